import Redis
import Testing

@Suite struct RedisURLTests {
    @Test func everyFormNamesItsServer() throws {
        #expect(try RedisURL("unix:/run/redis.sock") == RedisURL(address: .unix(path: "/run/redis.sock")))
        #expect(
            try RedisURL("unix:///run/redis.sock?db=2&user=queue&password=p%26q")
                == RedisURL(address: .unix(path: "/run/redis.sock"), user: "queue", password: "p&q", database: 2))
        #expect(try RedisURL("redis://localhost") == RedisURL(address: .tcp(host: "localhost", port: 6379)))
        #expect(
            try RedisURL("redis://queue:p%40q@[::1]:7000/3")
                == RedisURL(address: .tcp(host: "::1", port: 7000), user: "queue", password: "p@q", database: 3))
        #expect(try RedisURL("redis://:secret@db/").password == "secret")
        #expect(
            try RedisURL("rediss://db:6380/1?cacert=/ca.pem&cert=/c.pem&key=/k.pem")
                == RedisURL(
                    address: .tcp(host: "db", port: 6380), database: 1,
                    tls: RedisTLS(authorities: "/ca.pem", certificate: "/c.pem", key: "/k.pem")))
        #expect(try RedisURL("rediss://db").tls == RedisTLS())
        for text in ["unix:/a.sock?user=queue&password-file=/p", "redis://queue@db?password-file=/p"] {
            let url = try RedisURL(text)
            #expect(url.user == "queue" && url.password == nil && url.passwordFile == "/p", "\(text)")
        }
        #expect(try RedisURL("rediss://queue@db/1?cacert=/ca.pem&password-file=/p").passwordFile == "/p")
        let cluster = try RedisURL("redis://queue:a%2Cb@one:7000,two,[::1]:7002")
        #expect(
            cluster.addresses == [
                .tcp(host: "one", port: 7000), .tcp(host: "two", port: 6379), .tcp(host: "::1", port: 7002),
            ])
        #expect(cluster.user == "queue" && cluster.password == "a,b")
    }

    @Test(arguments: [
        "", "/run/redis.sock", "http://localhost", "unix:redis.sock", "unix:/a?port=1", "unix:/a?db=x", "redis://",
        "redis://host:0", "redis://host:99999", "redis://host/x", "redis://host/-1", "redis://user@host",
        "redis://host/0?x=1", "redis://host?cacert=/ca.pem", "rediss://host?ca=/ca.pem", "rediss://host?cert=/c.pem",
        "redis://queue:a@host?password-file=/p", "redis://host/0#x",
        "redis://one,,two", "redis://one:7000,", "redis://one,two:x",
    ])
    func whatIsNoRedisURLIsRefusedWithTheRightForms(text: String) {
        let error = #expect(throws: RedisURLError.self) { try RedisURL(text) }
        #expect(error?.description.contains("right are unix:/path") == true)
    }

    @Test func theDescriptionHoldsNoPassword() throws {
        #expect("\(try RedisURL("redis://queue:secret@host/1"))" == "redis://queue@host:6379/1")
        #expect("\(try RedisURL("rediss://:secret@one,two:7001"))" == "rediss://one:6379,two:7001/0")
        #expect("\(try RedisURL("unix:/a.sock?password=secret&db=1"))" == "unix:/a.sock?db=1")
    }
}

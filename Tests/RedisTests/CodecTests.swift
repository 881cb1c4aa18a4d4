import NIOCore
import Testing

@testable import Redis

/// hiredis as codec: commands to bytes, bytes to values.
@Suite struct CodecTests {
    private func encode(_ command: [RedisArgument]) throws -> String {
        var buffer = ByteBuffer()
        try CommandEncoder.encode(command, into: &buffer)
        return String(buffer: buffer)
    }

    private func decoder(_ text: String, maximumReplyBytes: Int = 1 << 20) throws -> ReplyDecoder {
        let decoder = try ReplyDecoder(maximumReplyBytes: maximumReplyBytes)
        try decoder.feed(ByteBuffer(string: text))
        return decoder
    }

    private static let conversation =
        "+OK\r\n:-42\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n*2\r\n:1\r\n-CODE why\r\n*0\r\n-ERR no\r\n"
    private static let values: [RedisValue] = [
        .string(Array("OK".utf8)), .integer(-42), .string(Array("a\r\n".utf8)), .string([]), .null, .null, .array([]),
        .array([.array([.integer(1), .error(RedisServerError(code: "CODE", message: "why"))]), .array([])]),
        .error(RedisServerError(code: "ERR", message: "no")),
    ]

    @Test func commandsAreWrittenWithTheLengthsOfTheirBytes() throws {
        #expect(
            try encode(["SET", "ключ", RedisArgument([0x0d, 0x0a]), 7, ""])
                == "*5\r\n$3\r\nSET\r\n$8\r\nключ\r\n$2\r\n\r\n\r\n$1\r\n7\r\n$0\r\n\r\n")
    }

    @Test func anEmptyCommandIsRefusedAndWritesNothing() throws {
        var buffer = ByteBuffer(string: "before")
        #expect(throws: RedisError.invalidCommand("it has no name")) { try CommandEncoder.encode([], into: &buffer) }
        #expect(String(buffer: buffer) == "before")
    }

    @Test func everyKindOfReplyBecomesItsValue() throws {
        let decoder = try decoder(Self.conversation)
        for value in Self.values { #expect(try decoder.next() == value) }
        #expect(try decoder.next() == nil)
    }

    @Test func repliesThatArriveByteByByteAreTheSame() throws {
        let decoder = try ReplyDecoder(maximumReplyBytes: 1 << 20)
        var values: [RedisValue] = []
        for byte in Self.conversation.utf8 {
            try decoder.feed(ByteBuffer(bytes: [byte]))
            while let value = try decoder.next() { values.append(value) }
        }
        #expect(values == Self.values)
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n", ":x\r\n", "$-2\r\n", "*-2\r\n", String(repeating: "*1\r\n", count: 20),
    ])
    func whatIsNotRedisIsAnErrorForGood(text: String) throws {
        let decoder = try decoder(text)
        #expect(throws: RedisError.self) { try decoder.next() }
        #expect(throws: RedisError.self) { try decoder.feed(ByteBuffer(string: "+OK\r\n")) }
    }

    @Test func aStringBeyondTheLimitIsRefusedBeforeItIsComplete() throws {
        let decoder = try decoder("$1000\r\n" + String(repeating: "a", count: 200), maximumReplyBytes: 100)
        #expect(throws: RedisError.protocolViolation("a string of more than 100 bytes")) { try decoder.next() }
    }

    @Test func anAnnouncedHugeArrayAllocatesNothing() throws {
        let decoder = try decoder("*2147483647\r\n:1\r\n")
        #expect(try decoder.next() == nil)
    }

    @Test func readsAreKnownByTheirNames() {
        #expect((["get", "key"] as [RedisArgument]).isRead)
        #expect(!(["SET", "key", "GET"] as [RedisArgument]).isRead)
        #expect(!([] as [RedisArgument]).isRead)
    }

    @Test func pausesDoubleUpToTheMaximumAndAreDrawnFromTheirUpperHalf() {
        var backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(35))
        var generator = SystemRandomNumberGenerator()
        for ceiling in [10, 20, 35, 35] {
            let pause = backoff.next(using: &generator)
            #expect(pause >= .milliseconds(ceiling) / 2 && pause <= .milliseconds(ceiling))
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(10))
    }
}

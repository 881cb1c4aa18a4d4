// What holds for every request and answer.

import AnalysisAPI
import HTTPTypes
import RPC
import Testing

@testable import Gateway

@Suite struct RequestGuardTests {
    private static func enqueueing(_ gateway: GatewayUnderTest) {
        gateway.queue.set { $0.enqueue = { _ in EnqueueReply() } }
    }

    @Test(
        arguments: [
            ([HTTPField.Name("Sec-Fetch-Site")!: "cross-site"], 403),
            ([HTTPField.Name("Sec-Fetch-Site")!: "same-site"], 403),
            ([HTTPField.Name("Sec-Fetch-Site")!: "same-origin"], 200),
            ([HTTPField.Name("Sec-Fetch-Site")!: "none"], 200),
            ([.origin: "https://evil.example"], 403), ([.origin: "null"], 403), ([.origin: "http://localhost"], 200),
            ([:], 200),
        ] as [(HTTPFields, Int)])
    func onlyOurOwnPagesChangeAnything(headers: HTTPFields, status: Int) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.enqueueing(gateway)
            #expect(try await gateway.post("/api/songs/1/analyze", headers: headers).status == status)
        }
    }

    @Test func anAnswerTellsTheTraceThatItsRequestBelongsTo() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.enqueueing(gateway)
            let (parent, answer) = (HTTPField.Name("traceparent")!, HTTPField.Name("traceresponse")!)
            func trace(_ headers: HTTPFields) async throws -> [Substring] {
                try await gateway.post("/api/songs/1/analyze", headers: headers).headers[answer]?.split(separator: "-")
                    ?? []
            }
            let joined = try await trace([parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
            #expect(
                joined.count == 4 && joined[1] == "4bf92f3577b34da6a3ce929d0e0e4736" && joined[2] != "00f067aa0ba902b7")
            // What cannot be read, or is not there, begins a trace.
            let (first, second) = (try await trace([parent: "00-nonsense"]), try await trace([:]))
            #expect(first.count == 4 && second.count == 4 && first[1] != second[1])
        }
    }

    /// They bring a token of their own, which is not ours to check.
    @Test func theExistingPagesHeadersAreTaken() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.enqueueing(gateway)
            let answer = try await gateway.post(
                "/api/songs/1/analyze", json: "{}",
                headers: [
                    HTTPField.Name("X-Requested-With")!: "XMLHttpRequest", HTTPField.Name("X-CSRFToken")!: "theirs",
                    .origin: "http://localhost",
                ])
            #expect(answer.status == 200)
        }
    }

    @Test func aFormCannotPostHere() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.enqueueing(gateway)
            let form = try await gateway.post(
                "/api/songs/1/analyze", json: "force=true", headers: [.contentType: "application/x-www-form-urlencoded"]
            )
            #expect(form.status == 415)
            let text = try await gateway.post("/api/songs/1/analyze", json: "{}", headers: [.contentType: "text/plain"])
            #expect(text.status == 415)
        }
    }

    @Test func bodiesAreBounded() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.enqueueing(gateway)
            let large = "{\"force\":true,\"padding\":\"\(String(repeating: "x", count: 70_000))\"}"
            let answer = try await gateway.post("/api/songs/1/analyze", json: large)
            #expect(answer.status == 413)
            #expect(try answer.json["message"] == "The body is too large; at most 65536 bytes are taken.")
        }
    }

    @Test func everyAnswerIsGuarded() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            for path in ["/", "/app.js", "/api/me", "/api/nothing", "/nothing"] {
                let headers = try await gateway.get(path).headers
                let policy = try #require(headers[.contentSecurityPolicy])
                #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
                #expect(!policy.contains("unsafe"))
                #expect(headers[.xContentTypeOptions] == "nosniff")
                #expect(headers[HTTPField.Name("X-Request-ID")!]?.isEmpty == false)
            }
        }
    }

    @Test(arguments: ["/api/nothing", "/api/me", "/api/login", "/api/session"])
    func aHeadHasNoBodyWhateverItsStatus(path: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            for _ in 0..<2 {
                let answer = try await gateway.send(path, .head)
                #expect(answer.text.isEmpty && answer.headers[.xContentTypeOptions] == "nosniff")
            }
        }
    }

    @Test func problemsHaveOneShape() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.get("/api/nothing")
            #expect(answer.status == 404 && answer.headers[.contentType] == "application/json; charset=utf-8")
            let text: JSONValue = "There is no GET /api/nothing."
            #expect(
                try answer.json.without("request_id") == [
                    "success": false, "status": "error", "error": text, "message": text, "type": "about:blank",
                    "title": "Not Found", "detail": text, "code": 404,
                ])
            #expect(try answer.json["request_id"] == .string(answer.headers[HTTPField.Name("X-Request-ID")!] ?? ""))
        }
    }

    @Test(arguments: [
        (StatusCode.invalidArgument, 400), (.outOfRange, 400), (.unauthenticated, 401), (.permissionDenied, 403),
        (.notFound, 404), (.alreadyExists, 409), (.aborted, 409), (.failedPrecondition, 409), (.resourceExhausted, 429),
        (.unimplemented, 501), (.unavailable, 503), (.cancelled, 503), (.deadlineExceeded, 503), (.internalError, 500),
        (.unknown, 500), (.dataLoss, 500),
    ])
    func everyStatusOfTheServicesHasOneOfHTTP(code: StatusCode, status: Int) {
        let problem = GatewayError(RPCError(code, "secret detail"))
        #expect(problem.status.code == status)
        if status >= 500 { #expect(!problem.message.contains("secret")) }
        #expect((problem.retryAfterSeconds != nil) == [429, 503].contains(status))
    }

    @Test func aServiceThatIsAwayIsToldWithAHintWhenToComeBack() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.listPlaylists = { _ in throw RPCError(.unavailable, "redis.sock refused", retryAfter: .seconds(3)) }
            }
            let answer = try await gateway.get("/api/playlists")
            #expect(answer.status == 503 && answer.headers[.retryAfter] == "3")
            #expect(try answer.json["message"] == "The analysis service is away for a moment. Please try again.")
        }
    }
}

// What is measured, in rounds that go from one server to the next, so that whatever else the machine does meets all of them. What
// is printed is the median of the rounds, as lines for Benchmarks/run: what, ours, peer, comparison, bound.

private let rounds = 9

func report(ours: OurClient, nio: NIOEcho, grpc: GRPCEcho) async throws {
    let clients: [any EchoClient] = [ours, nio, grpc]
    let one = try await inTurn(clients) { (client, isWarm) -> Double in
        let durations = try await client.roundTrips(isWarm ? 5000 : 500)
        return median(durations.map { $0 / .microseconds(1) })
    }
    line("unary round trip, µs, peer NIO echo", one[0], one[1], .atMost, 1.5)
    line("unary round trip, µs, peer grpc-swift-2", one[0], one[2], .atMost, 1 / 6)

    let many = try await inTurn(clients) { (client, isWarm) -> Double in
        let count = client is GRPCEcho ? 6400 : 64_000
        return try await perSecond(isWarm ? count : count / 10) { try await client.calls($0, callers: 64) }
    }
    line("64 callers, calls/s, peer grpc-swift-2", many[0], many[2], .atLeast, 10)
    line("64 callers, calls/s, peer NIO echo", many[0], many[1], .atLeast, 0)

    let alone = { (isWarm: Bool) -> Double in
        try await perSecond(isWarm ? 200_000 : 20_000, ours.download)
    }
    let beside = { (isWarm: Bool) -> Double in
        try await withThrowingTaskGroup { group -> Double in
            group.addTask { try await ours.readSlowly() }
            defer { group.cancelAll() }
            return try await alone(isWarm)
        }
    }
    let streams = try await inTurn([alone, beside]) { stream, isWarm in try await stream(isWarm) }
    line("stream of 1 KiB, messages/s, peer the target", streams[0], 200_000, .atLeast, 1)
    line("stream beside a slow reader, messages/s, peer alone", streams[1], streams[0], .atLeast, 0.9)
}

private enum Comparison: String {
    case atMost = "<="
    case atLeast = ">="
}

private func line(_ what: String, _ ours: Double, _ peer: Double, _ comparison: Comparison, _ bound: Double) {
    print(what, ours, peer, comparison.rawValue, bound, separator: "\t")
}

/// Each measurement once to warm up, then all of them by turns.
/// - Returns: the median of each.
private func inTurn<Subject>(
    _ subjects: [Subject], _ measure: (_ subject: Subject, _ isWarm: Bool) async throws -> Double
) async throws -> [Double] {
    for subject in subjects { _ = try await measure(subject, false) }
    var results = subjects.map { _ in [Double]() }
    for _ in 0..<rounds {
        for (index, subject) in subjects.enumerated() {
            results[index].append(try await measure(subject, true))
        }
    }
    return results.map(median)
}

private func median(_ values: [Double]) -> Double {
    values.sorted()[values.count / 2]
}

private func perSecond(_ count: Int, _ body: (Int) async throws -> Void) async throws -> Double {
    let duration = try await ContinuousClock().measure { try await body(count) }
    return Double(count) / (duration / .seconds(1))
}

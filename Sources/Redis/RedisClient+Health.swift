// Whether Redis is there.

extension RedisClient {
    /// Asks Redis, for at most a second.
    ///
    /// - Returns: what is wrong, for people; nil where it answers.
    package func problem() async -> String? {
        do {
            try await send("PING", timeout: .seconds(1))
            return nil
        } catch {
            return "Redis does not answer: \(error)"
        }
    }
}

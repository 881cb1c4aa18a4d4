// A Hummingbird server whose one route answers nothing: what the gateway is measured against.

import Hummingbird

@main
enum EmptyHandler {
    /// - Throws: what serving throws.
    static func main() async throws {
        guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
            print("usage: empty-handler PORT")
            return
        }
        let router = Router()
        router.get("/") { _, _ in Response(status: .ok) }
        try await Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port))
        ).runService()
    }
}

// `analysisctl keys`: the keys by which services prove for whom they act.

import ArgumentParser
import Daemon
import Foundation
import RPC

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The keys by which the gateway proves for whom it acts.", subcommands: [Rotate.self])

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a fresh key that signs from now on.",
            discussion:
                """
                Running processes see the change by themselves. Older keys stay valid until they are dropped, so that a call \
                that is under way is not refused.
                """)

        @Option(help: "The key set of the gateway (--signing-keys); made where it is missing.")
        var signing: String

        @Option(help: "The key set of the services (--verifying-keys), without private keys.")
        var verifying: String

        @Option(help: "How many older keys stay valid.")
        var keep = 1

        func validate() throws {
            guard (0...100).contains(keep) else {
                throw ValidationError("--keep is \(keep); it must be between 0 and 100.")
            }
        }

        func run() async throws {
            do {
                try SigningKeys.rotate(signing: signing, verifying: verifying, keeping: keep)
            } catch let error as RPCError {
                throw ValidationError(error.detail)
            }
        }
    }
}

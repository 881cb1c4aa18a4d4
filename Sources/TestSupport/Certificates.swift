// Certificates for one test, made by the script that users make theirs with.

package import Foundation
package import RPC
import Subprocess

/// A folder of certificates from one authority, made by `deploy/certificates`. It goes with the last reference.
package final class Certificates: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let folder: URL

    /// - Parameter names: of each certificate, its names with commas between them; the first one is the file's.
    package init(_ names: String...) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID().uuidString)")
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../deploy/certificates")
        let result = try await run(
            .name("bash"), arguments: .init([script.path, folder.path] + names), output: .discarded,
            error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "deploy/certificates failed: \(result.standardError)")
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    package func path(_ file: String) -> String {
        folder.appending(path: file).path
    }

    /// - Parameter authority: whose word the identity takes; nil: the one that made it.
    package func identity(_ name: String, trusting authority: Certificates? = nil) throws -> TLSIdentity {
        try TLSIdentity(
            certificate: path("\(name).crt"), key: path("\(name).key"),
            authority: (authority ?? self).path("authority.crt"))
    }
}

// Mutual TLS 1.3: what an end needs for it.

import NIOSSL
import Synchronization

/// A certificate, its key and the authorities whose certificates the other end may show. Both ends must show one.
///
/// The files are read again when they have changed, so that each connection is made with those that are there. While they do not fit
/// each other, as when one of them has been replaced and the other has not, those of before hold.
package final class TLSIdentity: Sendable {
    private struct Content {
        let versions: [FileVersion?]
        let server: NIOSSLContext
        let client: NIOSSLContext
    }

    private let files: (certificate: String, key: String, authority: String)
    private let content: Mutex<Content>

    /// Reads PEM files: the certificate, followed by any intermediate ones; its private key; the certificates of the
    /// authorities.
    ///
    /// - Throws: `RPCError` with `.failedPrecondition`, naming the file that cannot be used.
    package init(certificate: String, key: String, authority: String) throws {
        files = (certificate, key, authority)
        content = Mutex(try Self.read(files))
    }

    /// What connections that come are made with.
    var serverContext: NIOSSLContext { current.server }
    /// What connections that go out are made with.
    var clientContext: NIOSSLContext { current.client }

    private var current: Content {
        content.withLock { content in
            if Self.versions(of: files) != content.versions, let read = try? Self.read(files) { content = read }
            return content
        }
    }

    private static func versions(of files: (String, String, String)) -> [FileVersion?] {
        [FileVersion(files.0), FileVersion(files.1), FileVersion(files.2)]
    }

    private static func read(_ files: (certificate: String, key: String, authority: String)) throws -> Content {
        // What changes while it is read is read again.
        let versions = versions(of: files)
        let certificates = try reading(files.certificate, "certificates") {
            try NIOSSLCertificate.fromPEMFile($0).map { NIOSSLCertificateSource.certificate($0) }
        }
        let key = try reading(files.key, "a private key") {
            NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: $0, format: .pem))
        }
        let authorities = try reading(files.authority, "certificates") {
            NIOSSLTrustRoots.certificates(try NIOSSLCertificate.fromPEMFile($0))
        }
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: certificates, privateKey: key)
        server.minimumTLSVersion = .tlsv13
        server.trustRoots = authorities
        // A server has no name to check in a client's certificate: its names decide what it may call.
        server.certificateVerification = .noHostnameVerification
        var client = TLSConfiguration.makeClientConfiguration()
        client.minimumTLSVersion = .tlsv13
        client.certificateChain = certificates
        client.privateKey = key
        client.trustRoots = authorities
        return Content(versions: versions, server: try context(server), client: try context(client))
    }

    private static func reading<Value>(
        _ path: String, _ content: String, _ body: (String) throws -> Value
    ) throws -> Value {
        do {
            return try body(path)
        } catch {
            throw RPCError(
                .failedPrecondition, "\(path) cannot be used: it must be a PEM file of \(content) (\(error))")
        }
    }

    private static func context(_ configuration: TLSConfiguration) throws -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw RPCError(
                .failedPrecondition, "the key does not fit the certificate, or one of them is damaged: \(error)")
        }
    }
}

extension RPCAddress {
    /// - Returns: what is needed where the address is one of TLS.
    /// - Throws: `RPCError` with `.failedPrecondition` where it is one and there is none.
    func tls(_ identity: TLSIdentity?) throws -> TLSIdentity? {
        guard case .tls = self else { return nil }
        guard let identity else {
            throw RPCError(.failedPrecondition, "\(self) needs a certificate, its key and an authority")
        }
        return identity
    }
}

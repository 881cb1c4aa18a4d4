// Mutual TLS 1.3: what an end needs for it.

import NIOSSL

/// A certificate, its key and the authorities whose certificates the other end may show. Both ends must show one.
package struct TLSIdentity: Sendable {
    private let certificates: [NIOSSLCertificateSource]
    private let key: NIOSSLPrivateKeySource
    private let authorities: NIOSSLTrustRoots

    /// Reads PEM files: the certificate, followed by any intermediate ones; its private key; the certificates of the
    /// authorities.
    ///
    /// - Throws: `RPCError` with `.failedPrecondition`, naming the file that cannot be used.
    package init(certificate: String, key: String, authority: String) throws {
        certificates = try Self.reading(certificate, "certificates") {
            try NIOSSLCertificate.fromPEMFile($0).map { .certificate($0) }
        }
        self.key = try Self.reading(key, "a private key") { .privateKey(try NIOSSLPrivateKey(file: $0, format: .pem)) }
        authorities = try Self.reading(authority, "certificates") {
            .certificates(try NIOSSLCertificate.fromPEMFile($0))
        }
        _ = try serverContext()
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

    func serverContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: certificates, privateKey: key)
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = authorities
        // A server has no name to check in a client's certificate: its names decide what it may call.
        configuration.certificateVerification = .noHostnameVerification
        return try Self.context(configuration)
    }

    func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateChain = certificates
        configuration.privateKey = key
        configuration.trustRoots = authorities
        return try Self.context(configuration)
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
    /// - Returns: the context where the address is one of TLS.
    /// - Throws: `RPCError` with `.failedPrecondition` where it is one and there is none.
    func tlsContext(_ context: () throws -> NIOSSLContext?) throws -> NIOSSLContext? {
        guard case .tls = self else { return nil }
        guard let context = try context() else {
            throw RPCError(.failedPrecondition, "\(self) needs a certificate, its key and an authority")
        }
        return context
    }
}

import FoundationEssentials
import NIOCore
import NIOSSL

/// How a `rediss://` connection is protected: whom it trusts, and what it shows.
package struct RedisTLS: Sendable, Hashable {
    /// PEM file of the authorities that may have signed the server's certificate; `nil`: those of the system.
    package var authorities: String?
    /// PEM file of the client's certificate and those that it was signed with, where Redis asks for it (`tls-auth-clients`).
    package var certificate: String?
    /// PEM file of the key to `certificate`.
    package var key: String?

    package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }

    /// What makes the handlers of one connection. The files are read anew for each, so that renewed ones are taken up.
    func handlers(for address: RedisURL.Address) throws -> @Sendable () throws -> [NIOSSLClientHandler] {
        for case let file? in [authorities, certificate, key] where !FileManager.default.isReadableFile(atPath: file) {
            throw RedisError.unavailable("\(address) is to be reached over TLS, and \(file) cannot be read")
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities { configuration.trustRoots = .file(authorities) }
        if let certificate, let key {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        return { [try NIOSSLClientHandler(context: context, serverHostname: address.serverName)] }
    }
}

extension RedisURL.Address {
    /// The name that the server's certificate must have; an IP address is compared as the connection has it.
    fileprivate var serverName: String? {
        guard case .tcp(let host, _) = self, (try? SocketAddress(ipAddress: host, port: 0)) == nil else { return nil }
        return host
    }
}

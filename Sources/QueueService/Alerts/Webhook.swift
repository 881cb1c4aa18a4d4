// An address that is told of alerts, as Standard Webhooks (standardwebhooks.com) has it: signed with HMAC-SHA256.

import ArgumentParser
import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore
import NIOHTTP1

struct Webhook: Sendable {
    let url: String
    let secretFile: String

    /// How long a receiver may take to answer.
    private static let timeout = TimeAmount.seconds(10)
    private static let secretPrefix = "whsec_"

    /// - Throws: `ValidationError` where the address is none of http or https, or the file has no secret.
    init(url text: String, secretFile: String, flag: String) throws {
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme?.lowercased()),
            url.host()?.isEmpty == false, url.user() == nil, url.fragment() == nil
        else {
            throw ValidationError(
                "\(flag) is '\(text)'; an address such as https://alerts.example/hook is right, without a user in it.")
        }
        self.url = text
        self.secretFile = secretFile
        do {
            _ = try secrets()
        } catch {
            throw ValidationError("\(flag)-secret-file: \(error)")
        }
    }

    /// Sends a delivery once.
    ///
    /// - Returns: why it has not arrived; nil where a status from 200 to 299 says that it has.
    func send(_ delivery: AlertDelivery, atMs: Int64, by client: HTTPClient) async -> String? {
        do {
            var request = HTTPClientRequest(url: url)
            request.method = .POST
            let signatures = try secrets().map {
                Self.signature(id: delivery.id, seconds: atMs / 1000, body: delivery.body, secret: $0)
            }
            request.headers.add(contentsOf: [
                ("content-type", "application/json"), ("user-agent", "analysis-queue"), ("webhook-id", delivery.id),
                ("webhook-timestamp", "\(atMs / 1000)"), ("webhook-signature", signatures.joined(separator: " ")),
            ])
            request.body = .bytes(ByteBuffer(string: delivery.body))
            let response = try await client.execute(request, timeout: Self.timeout)
            return (200..<300).contains(response.status.code) ? nil : "it answered \(response.status.code)"
        } catch {
            return "\(error)"
        }
    }

    /// `v1,` and the base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`.
    static func signature(id: String, seconds: Int64, body: String, secret: SymmetricKey) -> String {
        let signed = "\(id).\(seconds).\(body)"
        let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: secret)
        return "v1,\(Data(code).base64EncodedString())"
    }

    /// Those of the file as it stands, so that they can be replaced while everything runs.
    private func secrets() throws -> [SymmetricKey] {
        let text: String
        do {
            text = try String(contentsOfFile: secretFile, encoding: .utf8)
        } catch {
            throw WebhookError(description: "\(secretFile) cannot be read.")
        }
        let secrets = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        guard !secrets.isEmpty else { throw WebhookError(description: "\(secretFile) has no secret.") }
        return try secrets.map { secret in
            guard secret.hasPrefix(Self.secretPrefix) else { return SymmetricKey(data: Data(secret.utf8)) }
            guard let bytes = Data(base64Encoded: String(secret.dropFirst(Self.secretPrefix.count))), !bytes.isEmpty
            else {
                throw WebhookError(description: "\(secretFile) has a line that is not whsec_ and base64 behind it.")
            }
            return SymmetricKey(data: bytes)
        }
    }
}

private struct WebhookError: Error, CustomStringConvertible {
    let description: String
}

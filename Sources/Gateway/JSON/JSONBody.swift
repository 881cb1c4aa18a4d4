// Encodes answers: camelCase properties become snake_case members, and what an analyzer wrote is passed on as it is.

import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat
import Synchronization

/// A JSON object that an analyzer produced, to be embedded byte for byte: neither its numbers nor the order of its
/// members change on the way, and a waveform of thousands of numbers costs no decoding into values.
struct RawJSON: Codable, Sendable {
    let bytes: [UInt8]

    /// `nil` where the bytes are not one JSON object.
    init?(object bytes: [UInt8]) {
        struct Object: Decodable {
            init(from decoder: any Decoder) throws {
                _ = try decoder.container(keyedBy: Key.self)
            }
            enum Key: CodingKey {}
        }
        guard (try? JSONDecoder().decode(Object.self, from: Data(bytes))) != nil else { return nil }
        self.bytes = bytes
    }

    /// Of equal value, but no longer byte for byte.
    init(from decoder: any Decoder) throws {
        bytes = Array(try JSONEncoder().encode(try JSONValue(from: decoder)))
    }

    /// Encodes a placeholder, which `JSONBody` replaces with the bytes.
    func encode(to encoder: any Encoder) throws {
        guard let splices = encoder.userInfo[JSONBody.splicesKey] as? JSONBody.Splices else {
            throw EncodingError.invalidValue(
                self, .init(codingPath: encoder.codingPath, debugDescription: "raw JSON is encoded by JSONBody alone"))
        }
        var container = encoder.singleValueContainer()
        try container.encode(splices.placeholder(for: bytes))
    }
}

enum JSONBody {
    static func encode(_ value: some Encodable) throws -> ByteBuffer {
        let splices = Splices()
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        // In one order, so that equal answers are equal bytes, of which entity tags are made.
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        encoder.userInfo[splicesKey] = splices
        return splices.fill(try encoder.encode(value))
    }

    static func response(
        encoded body: ByteBuffer, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "application/json; charset=utf-8"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: .init(byteBuffer: body))
    }

    /// An answer that a browser may keep, if it asks each time whether it still holds: 304 where it does.
    static func response(
        encoded body: ByteBuffer, tag: EntityTag, to request: Request, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.eTag] = tag.text
        headers[.cacheControl] = "private, no-cache"
        if tag.matches(request) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
    }

    // Never nil: any raw value is accepted.
    fileprivate static let splicesKey = CodingUserInfoKey(rawValue: "splices")!

    /// The raw JSON met while encoding. Placeholders carry 128 random bits, so no text of a user can look like one.
    fileprivate final class Splices: Sendable {
        private let nonce = "\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))-"
        private let texts = Mutex<[[UInt8]]>([])

        func placeholder(for bytes: [UInt8]) -> String {
            texts.withLock { texts in
                texts.append(bytes)
                return nonce + String(texts.count - 1)
            }
        }

        func fill(_ encoded: Data) -> ByteBuffer {
            let texts = self.texts.withLock { $0 }
            if texts.isEmpty { return ByteBuffer(data: encoded) }
            let mark = Data("\"\(nonce)".utf8)
            var buffer = ByteBuffer()
            buffer.reserveCapacity(encoded.count + texts.reduce(0) { $0 + $1.count })
            var rest = encoded[...]
            while let start = rest.range(of: mark) {
                let digits = rest[start.upperBound...].prefix { $0 != UInt8(ascii: "\"") }
                buffer.writeBytes(rest[..<start.lowerBound])
                if let index = Int(String(decoding: digits, as: UTF8.self)), texts.indices.contains(index) {
                    buffer.writeBytes(texts[index])
                }
                rest = rest[(digits.endIndex + 1)...]
            }
            buffer.writeBytes(rest)
            return buffer
        }
    }
}

// The file of a backup: records behind their lengths (`BackupRecord`), in parts of any size.

import AnalysisAPI
import Crypto
import NIOCore
import RPC

/// Writes the records of a backup to a call.
struct BackupWriter {
    static let format: UInt32 = 1
    /// How much is sent at once.
    private static let partBytes = 256 << 10
    /// How much of a value a record holds.
    private static let pieceBytes = 1 << 20
    /// No record is longer.
    static let recordBytes = 2 << 20

    private let parts: RPCWriter<BackupPart>
    private var pending: [UInt8] = []
    private var hash = SHA256()

    init(to parts: RPCWriter<BackupPart>) {
        self.parts = parts
        append(BackupRecord(record: .header(BackupHeader(format: Self.format))))
    }

    mutating func write(_ key: StoredKey) async throws {
        var record = key
        var rest = key.value[...]
        repeat {
            record.value = Array(rest.prefix(Self.pieceBytes))
            rest = rest.dropFirst(Self.pieceBytes)
            record.continues = !rest.isEmpty
            append(BackupRecord(record: .key(record)))
            while pending.count >= Self.partBytes {
                try await parts.write(BackupPart(data: Array(pending.prefix(Self.partBytes))))
                pending.removeFirst(Self.partBytes)
            }
        } while !rest.isEmpty
    }

    /// Writes the end of the file.
    mutating func finish(takenAtMs: Int64) async throws {
        append(BackupRecord(record: .end(BackupEnd(takenAtMs: takenAtMs, sha256: Array(hash.finalize())))))
        try await parts.write(BackupPart(data: pending))
    }

    private mutating func append(_ record: BackupRecord) {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt32(0))
        record.encode(into: &bytes)
        bytes.setInteger(UInt32(bytes.readableBytes - 4), at: bytes.readerIndex)
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        pending += bytes.readableBytesView
    }
}

/// Reads a backup's file, which is whole once `takenAtMs` is known.
struct BackupReader {
    private var pending = ByteBuffer()
    private var hash = SHA256()
    private var hasHeader = false
    /// What has come of a value that goes on.
    private var begun: [UInt8] = []
    private(set) var takenAtMs: Int64?

    /// Takes the next bytes of the file.
    ///
    /// - Returns: the keys that are whole now, in order.
    /// - Throws: `RPCError` with `.invalidArgument` where it is no backup, or a damaged one.
    mutating func read(_ bytes: [UInt8]) throws -> [StoredKey] {
        pending.writeBytes(bytes)
        var keys: [StoredKey] = []
        while let length = pending.getInteger(at: pending.readerIndex, as: UInt32.self) {
            guard takenAtMs == nil else { throw Self.damaged("something follows its end") }
            // The first record is some bytes long: what is no backup is not waited for.
            guard hasHeader || length < 64 else { throw Self.damaged("it does not begin as one") }
            guard length <= BackupWriter.recordBytes else { throw Self.damaged("a record is too long") }
            guard let frame = pending.readSlice(length: Int(length) + 4) else { break }
            var body = frame
            body.moveReaderIndex(forwardBy: 4)
            switch try Self.decode(body) {
            case .header(let header):
                guard header.format == BackupWriter.format, !hasHeader else {
                    throw Self.damaged("it is of format \(header.format), and \(BackupWriter.format) is known here")
                }
                hasHeader = true
            case .key(var key) where hasHeader:
                begun += key.value
                guard !key.continues else { break }
                swap(&key.value, &begun)
                begun = []
                keys.append(key)
            case .end(let end) where hasHeader:
                guard end.sha256 == Array(hash.finalize()) else { throw Self.damaged("its checksum does not match") }
                takenAtMs = end.takenAtMs
            default: throw Self.damaged("it does not begin as one")
            }
            frame.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        }
        pending.discardReadBytes()
        return keys
    }

    private static func decode(_ bytes: ByteBuffer) throws -> BackupRecord.Record? {
        do {
            return try BackupRecord(decoding: bytes).record
        } catch is RPCError {
            throw damaged("a record cannot be read")
        }
    }

    static func damaged(_ what: String) -> RPCError {
        RPCError(.invalidArgument, "this is no backup, or it is damaged: \(what)")
    }
}

import CHiredis
import NIOCore

/// Writes commands as Redis reads them. hiredis formats each; nothing of its memory is kept.
enum CommandEncoder {
    /// Redis closes the connection of a client that sends more at once (`client-query-buffer-limit`, less some room).
    static let maximumCommandBytes = 1 << 29

    /// Appends one command, or throws ``RedisError/invalidCommand(_:)`` and leaves the buffer as it was.
    static func encode(_ arguments: [RedisArgument], into buffer: inout ByteBuffer) throws(RedisError) {
        // Redis answers an empty command with nothing at all, and every later reply would go to the wrong caller.
        guard !arguments.isEmpty else { throw .invalidCommand("it has no name") }
        let byteCount = arguments.reduce(0) { $0 + $1.byteCount }
        guard byteCount <= maximumCommandBytes, arguments.count <= 1 << 20 else {
            throw .invalidCommand("it has \(arguments.count) arguments of \(byteCount) bytes, more than Redis accepts")
        }
        let written = withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 1) { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: arguments.count) { pointers in
                withUnsafeTemporaryAllocation(of: Int.self, capacity: arguments.count) { lengths in
                    var offset = 0
                    for (index, argument) in arguments.enumerated() {
                        let length = argument.byteCount
                        let place = UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + length])
                        argument.copy(into: place)
                        let start = place.baseAddress?.assumingMemoryBound(to: CChar.self)
                        pointers.initializeElement(at: index, to: start.map { UnsafePointer($0) })
                        lengths.initializeElement(at: index, to: length)
                        offset += length
                    }
                    return format(pointers, lengths, into: &buffer)
                }
            }
        }
        guard written else { throw .invalidCommand("there is no memory for its \(byteCount) bytes") }
    }

    private static func format(
        _ pointers: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>, _ lengths: UnsafeMutableBufferPointer<Int>,
        into buffer: inout ByteBuffer
    ) -> Bool {
        var command: sds?
        let length = lengths.withMemoryRebound(to: size_t.self) { lengths in
            redisFormatSdsCommandArgv(&command, Int32(pointers.count), pointers.baseAddress, lengths.baseAddress)
        }
        guard length >= 0, let command else { return false }
        defer { redisFreeSdsCommand(command) }
        buffer.writeBytes(UnsafeRawBufferPointer(start: command, count: Int(length)))
        return true
    }
}

// Memory for one protobuf-c message, capped, and the two steps between such a message and its bytes.

package import CProtobufC
package import NIOCore

/// Memory that is handed out in order and given back all at once: what protobuf-c unpacks into, and what generated code
/// builds C structs in before packing. Nothing in it outlives the closure that it is lent to.
package struct Arena: ~Copyable {
    private var chunk: UnsafeMutableRawBufferPointer
    private var used = 0
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var remainingBytes: Int
    /// Whether memory was refused because the limit was reached.
    private(set) var isExhausted = false

    private static let alignment = 16
    private static let smallestChunk = 4096

    fileprivate init(first: UnsafeMutableRawBufferPointer, limit: Int) {
        chunk = first
        remainingBytes = limit
    }

    deinit {
        for chunk in chunks { chunk.deallocate() }
    }

    /// Uninitialised memory, aligned for any C type; nil when the limit is reached.
    package mutating func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount <= remainingBytes else {
            isExhausted = true
            return nil
        }
        remainingBytes -= byteCount
        let size = (max(byteCount, 1) + Self.alignment - 1) & ~(Self.alignment - 1)
        if size > chunk.count - used {
            chunk = .allocate(
                byteCount: max(size, Self.smallestChunk << min(chunks.count, 8)), alignment: Self.alignment)
            chunks.append(chunk)
            used = 0
        }
        defer { used += size }
        return chunk.baseAddress?.advanced(by: used)
    }

    /// Bytes as protobuf-c wants them; none when the limit is reached.
    package mutating func copy(_ bytes: some Collection<UInt8>) -> ProtobufCBinaryData {
        let space = array(of: UInt8.self, count: bytes.count)
        _ = space.initialize(from: bytes)
        return ProtobufCBinaryData(len: space.count, data: space.baseAddress)
    }

    /// An uninitialised array; an empty one when the limit is reached.
    package mutating func array<Element>(of type: Element.Type, count: Int) -> UnsafeMutableBufferPointer<Element> {
        let space = count == 0 ? nil : allocate(byteCount: count * MemoryLayout<Element>.stride)
        return UnsafeMutableBufferPointer(
            start: space?.bindMemory(to: type, capacity: count), count: space == nil ? 0 : count)
    }
}

/// Lends an arena without a limit: for building the C structs of a message before `pack`.
package func withArena<T>(_ body: (inout Arena) throws -> T) rethrows -> T {
    try withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 16) { stack in
        var arena = Arena(first: stack, limit: .max)
        return try body(&arena)
    }
}

/// Unpacks a message and lends the C struct, which starts with its `ProtobufCMessage`, to `body`.
///
/// - Parameter limit: the most memory that the message may take. By default 64 KiB and sixteen times its size: lists of small
///   strings fit, and four mebibytes of empty submessages do not.
/// - Throws: `RPCError` with `.invalidArgument` where the bytes are no such message, `.resourceExhausted` beyond the limit, and
///   what `body` throws.
package func withUnpacked<T>(
    _ bytes: ByteBuffer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, limit: Int? = nil,
    _ body: (UnsafeMutableRawPointer) throws -> T
) throws -> T {
    try bytes.withUnsafeReadableBytes { bytes in
        try withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 16) { stack in
            let limit = limit ?? 65536 + 16 * bytes.count
            var arena = Arena(first: stack, limit: limit)
            return try withUnsafeMutablePointer(to: &arena) { arena in
                var allocator = ProtobufCAllocator(
                    alloc: { $0?.assumingMemoryBound(to: Arena.self).pointee.allocate(byteCount: $1) },
                    free: { _, _ in },
                    allocator_data: arena)
                let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                if let message = protobuf_c_message_unpack(descriptor, &allocator, bytes.count, start) {
                    return try body(message)
                }
                let name = String(cString: descriptor.pointee.name)
                throw arena.pointee.isExhausted
                    ? RPCError(.resourceExhausted, "\(bytes.count) bytes of \(name) unpack to more than \(limit) bytes")
                    : RPCError(.invalidArgument, "\(bytes.count) bytes are not a valid \(name)")
            }
        }
    }
}

/// Appends a message's encoding to a buffer.
///
/// - Parameter message: a C struct that starts with its `ProtobufCMessage`.
package func pack(_ message: UnsafeRawPointer, into buffer: inout ByteBuffer) {
    let message = message.assumingMemoryBound(to: ProtobufCMessage.self)
    let size = protobuf_c_message_get_packed_size(message)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { space in
        protobuf_c_message_pack(message, space.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
}

// Memory for one protobuf-c message, capped, and the two steps between such a message and its bytes.

package import CAnalysisProto
package import NIOCore

/// Memory for the C structs of one message: allocating moves a pointer, and everything is freed at once.
///
/// What protobuf-c unpacks into it is bounded, because a few bytes of the wire can ask for a lot of memory: an empty
/// submessage takes two bytes there and about sixty here.
package struct MessageArena: ~Copyable {
    private static let alignment = 16
    /// Holds most messages without touching the heap.
    private static let firstBlockBytes = 2048
    private static let blockBytes = 64 * 1024

    private var free: UnsafeMutableRawBufferPointer
    private var blocks: [UnsafeMutableRawBufferPointer] = []
    private let limit: Int
    private var unpackedBytes = 0

    /// protobuf-c asked for more than the limit, and was refused.
    package private(set) var isExhausted = false

    /// Lends an arena to `body`; no pointer into it may leave.
    ///
    /// - Parameter limit: the most bytes that unpacking may take, 32 MiB unless told: eight times the largest message.
    package static func withArena<Result>(
        limit: Int = 32 << 20, _ body: (inout MessageArena) throws -> Result
    ) rethrows -> Result {
        try withUnsafeTemporaryAllocation(byteCount: firstBlockBytes, alignment: alignment) { firstBlock in
            var arena = MessageArena(free: firstBlock, limit: limit)
            defer { arena.deallocateBlocks() }
            return try body(&arena)
        }
    }

    private init(free: UnsafeMutableRawBufferPointer, limit: Int) {
        self.free = free
        self.limit = limit
    }

    private func deallocateBlocks() {
        for block in blocks { block.deallocate() }
    }

    /// Uninitialized memory for our own structs, aligned for every C type. Not bounded by the limit.
    package mutating func allocate(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        let size = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        if size > free.count {
            let block = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(size, Self.blockBytes), alignment: Self.alignment)
            blocks.append(block)
            // What is large gets a block of its own, so that the rest of the current one is not lost.
            if size > Self.blockBytes / 4 { return UnsafeMutableRawBufferPointer(rebasing: block[..<byteCount]) }
            free = block
        }
        defer { free = UnsafeMutableRawBufferPointer(rebasing: free[size...]) }
        return UnsafeMutableRawBufferPointer(rebasing: free[..<byteCount])
    }

    /// Unpacks a message; nil where the bytes are malformed or need more than the limit (``isExhausted`` tells which).
    ///
    /// - Returns: the C struct of `descriptor`'s message, which lives as long as the arena.
    package mutating func unpack(
        _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> UnsafeMutablePointer<ProtobufCMessage>? {
        withUnsafeMutablePointer(to: &self) { arena in
            var allocator = ProtobufCAllocator(
                alloc: { arena, size in
                    arena?.assumingMemoryBound(to: MessageArena.self).pointee.allocateUnpacked(byteCount: size)
                },
                free: { _, _ in },
                allocator_data: arena)
            let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return protobuf_c_message_unpack(descriptor, &allocator, bytes.count, start)
        }
    }

    private mutating func allocateUnpacked(byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount >= 0, byteCount <= limit - unpackedBytes else {
            isExhausted = true
            return nil
        }
        unpackedBytes += byteCount
        return allocate(byteCount: max(byteCount, 1)).baseAddress
    }
}

extension MessageArena {
    /// Bytes as protobuf-c wants them.
    package mutating func copy(_ bytes: some Collection<UInt8>) -> ProtobufCBinaryData {
        guard !bytes.isEmpty else { return ProtobufCBinaryData() }
        let space = allocate(byteCount: bytes.count).bindMemory(to: UInt8.self)
        _ = space.initialize(from: bytes)
        return ProtobufCBinaryData(len: space.count, data: space.baseAddress)
    }

    /// An uninitialised array.
    package mutating func array<Element>(of type: Element.Type, count: Int) -> UnsafeMutableBufferPointer<Element> {
        allocate(byteCount: count * MemoryLayout<Element>.stride).bindMemory(to: type)
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

// What generated code is made with: the way between a Swift value and the C struct that protobuf-c packs and unpacks.
//
//   bytes ──unpack──▶ C structs in an arena ──copying──▶ value ──write──▶ C structs in an arena ──pack──▶ bytes

import CAnalysisProto
import NIOCore
import RPC

/// A message whose bytes protobuf-c reads and writes through a C struct.
protocol CMessage: Message {
    /// Begins with its `ProtobufCMessage`.
    associatedtype CStruct

    /// The message without any field.
    static var empty: CStruct { get }

    /// - Throws: `RPCError` with `.invalidArgument`, naming the string field that is not text.
    init(copying c: CStruct) throws

    /// Sets the fields of `c`, which was empty and then points into the arena.
    func write(to c: inout CStruct, arena: inout MessageArena)
}

extension CMessage {
    package init(decoding bytes: ByteBuffer) throws {
        self = try MessageArena.withArena { arena in
            let descriptor = Self.descriptor
            let message = bytes.withUnsafeReadableBytes { arena.unpack($0, as: descriptor) }
            guard let message else {
                let size = bytes.readableBytes
                let name = String(cString: descriptor.pointee.name)
                throw arena.isExhausted
                    ? RPCError(.resourceExhausted, "these \(size) bytes of \(name) hold too many messages or strings")
                    : RPCError(.invalidArgument, "these \(size) bytes are not a valid \(name)")
            }
            return try Self(copying: UnsafeRawPointer(message).assumingMemoryBound(to: CStruct.self).pointee)
        }
    }

    package func encode(into buffer: inout ByteBuffer) {
        MessageArena.withArena { arena in
            if let message = arena.message(self) { pack(message, into: &buffer) }
        }
    }

    /// The message behind a pointer; nil where its field is absent.
    init?(copying pointer: UnsafeMutablePointer<CStruct>?) throws {
        guard let pointer else { return nil }
        try self.init(copying: pointer.pointee)
    }

    private static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
        withUnsafePointer(to: empty) { UnsafeRawPointer($0).load(as: ProtobufCMessage.self).descriptor }
    }
}

/// Copies the elements of a repeated field.
func elements<C, Element>(
    _ start: UnsafeMutablePointer<C>?, count: Int, _ copy: (C) throws -> Element?
) rethrows -> [Element] {
    try UnsafeBufferPointer(start: start, count: count).compactMap(copy)
}

extension [UInt8] {
    init(copying bytes: ProtobufCBinaryData) {
        self.init(UnsafeBufferPointer(start: bytes.data, count: bytes.len))
    }
}

extension String {
    /// - Parameter field: what the error calls the bytes, such as `Song.title`.
    init(copying bytes: ProtobufCBinaryData, of field: StaticString) throws {
        let bytes = UnsafeBufferPointer(start: bytes.data, count: bytes.len)
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw RPCError(.invalidArgument, "\(field) is not UTF-8 text without NUL")
        }
        self = text
    }
}

extension MessageArena {
    mutating func bytes(_ text: String) -> ProtobufCBinaryData {
        copy(text.utf8)
    }

    mutating func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        copy(bytes)
    }

    /// Builds the C struct of a message; nil where there is none.
    mutating func message<M: CMessage>(_ message: M?) -> UnsafeMutablePointer<M.CStruct>? {
        guard let message, let c = array(of: M.CStruct.self, count: 1).baseAddress else { return nil }
        c.initialize(to: M.empty)
        message.write(to: &c.pointee, arena: &self)
        return c
    }

    /// Copies what a repeated field points to.
    mutating func elements<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
        let space = array(of: Element.self, count: elements.count)
        _ = space.initialize(from: elements)
        return space.baseAddress
    }
}

import CHiredis
import NIOCore

/// Parses replies with hiredis' reader. The reader calls back for each part of a reply, and the parts become Swift values
/// at once: no tree is built in C, so an announced array of two thousand million elements allocates nothing.
final class ReplyDecoder {
    private let reader: UnsafeMutablePointer<redisReader>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let builder = ReplyBuilder()
    private let maximumReplyBytes: Int

    /// - Parameter maximumReplyBytes: how much of one string may be buffered before the peer is refused.
    init(maximumReplyBytes: Int) throws(RedisError) {
        functions = .allocate(capacity: 1)
        functions.initialize(to: ReplyBuilder.callbacks)
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            functions.deallocate()
            throw .unavailable("there is no memory for a reply reader")
        }
        self.reader = reader
        self.maximumReplyBytes = maximumReplyBytes
        // The builder lives as long as the reader: both are freed in deinit.
        reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
    }

    deinit {
        redisReaderFree(reader)
        functions.deallocate()
    }

    /// Takes bytes from the socket; ``next()`` then gives the replies that they complete.
    func feed(_ bytes: ByteBuffer) throws(RedisError) {
        let status = bytes.withUnsafeReadableBytes { bytes in
            redisReaderFeed(reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard status == REDIS_OK else { throw failure() }
    }

    /// The next complete reply, or `nil` until more bytes come. After an error the decoder is of no more use.
    func next() throws(RedisError) -> RedisValue? {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &reply) == REDIS_OK else { throw failure() }
        if reply != nil {
            return builder.take()
        }
        guard reader.pointee.len <= maximumReplyBytes else {
            throw .protocolViolation("a string of more than \(maximumReplyBytes) bytes")
        }
        return nil
    }

    private func failure() -> RedisError {
        withUnsafeBytes(of: &reader.pointee.errstr) { text in
            .protocolViolation(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
        }
    }
}

/// hiredis keeps what a callback returns as a mark of success only; it is never read.
private var mark: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }

/// The reply to most writes, which needs no memory of its own.
private let ok = RedisValue.string(Array("OK".utf8))

/// Puts the parts of one reply together in the order in which the reader finds them.
private final class ReplyBuilder {
    /// Arrays that still miss elements, the outermost first.
    private var open: [(missing: Int, elements: [RedisValue])] = []
    private var complete: RedisValue?

    func take() -> RedisValue? {
        defer { complete = nil }
        return complete
    }

    private func append(_ value: RedisValue) {
        var value = value
        while let last = open.indices.last {
            open[last].elements.append(value)
            open[last].missing -= 1
            guard open[last].missing == 0 else { return }
            value = .array(open.removeLast().elements)
        }
        complete = value
    }

    private func openArray(count: Int) {
        guard count > 0 else { return append(.array([])) }
        var elements: [RedisValue] = []
        elements.reserveCapacity(min(count, 1024))
        open.append((count, elements))
    }

    private static func of(_ task: UnsafePointer<redisReadTask>?) -> ReplyBuilder? {
        task?.pointee.privdata.map { Unmanaged<ReplyBuilder>.fromOpaque($0).takeUnretainedValue() }
    }

    static var callbacks: redisReplyObjectFunctions {
        redisReplyObjectFunctions(
            createString: { task, text, length in
                let text = UnsafeRawBufferPointer(start: text, count: length)
                if task?.pointee.type == REDIS_REPLY_STATUS, text.elementsEqual("OK".utf8) {
                    ReplyBuilder.of(task)?.append(ok)
                    return mark
                }
                let bytes = Array(text)
                let isError = task?.pointee.type == REDIS_REPLY_ERROR
                ReplyBuilder.of(task)?.append(
                    isError
                        ? .error(RedisServerError(reply: String(decoding: bytes, as: UTF8.self))) : .string(bytes))
                return mark
            },
            createArray: { task, count in
                ReplyBuilder.of(task)?.openArray(count: Int(count))
                return mark
            },
            createInteger: { task, integer in
                ReplyBuilder.of(task)?.append(.integer(integer))
                return mark
            },
            createNil: { task in
                ReplyBuilder.of(task)?.append(.null)
                return mark
            },
            freeObject: { _ in })
    }
}

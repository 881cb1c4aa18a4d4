// Lets libavformat read one open file, so that it opens nothing by itself.
import CAudio
import Glibc

/// An open file as an input of libavformat.
final class FileInput {
    private(set) var context: UnsafeMutablePointer<AVIOContext>?
    private let file: FileDescriptor

    private static let bufferSize: Int32 = 32 * 1024

    init(_ file: FileDescriptor) throws(OutOfMemory) {
        self.file = file
        guard let buffer = av_malloc(Int(Self.bufferSize)) else { throw OutOfMemory() }
        context = avio_alloc_context(
            buffer.assumingMemoryBound(to: UInt8.self), Self.bufferSize, 0, Unmanaged.passUnretained(file).toOpaque(),
            readFile, nil, seekFile)
        guard context != nil else {
            av_free(buffer)
            throw OutOfMemory()
        }
    }

    deinit {
        // libavformat may have put another buffer in the place of ours.
        av_free(context?.pointee.buffer)
        avio_context_free(&context)
    }

    /// In bytes.
    var size: Int64 { avio_size(context) }
}

private func readFile(_ opaque: UnsafeMutableRawPointer?, _ buffer: UnsafeMutablePointer<UInt8>?, _ size: Int32)
    -> Int32
{
    guard let opaque else { return -EINVAL }
    let file = Unmanaged<FileDescriptor>.fromOpaque(opaque).takeUnretainedValue()
    while true {
        let count = read(file.number, buffer, Int(size))
        if count > 0 { return Int32(count) }
        if count == 0 { return CAUDIO_ERROR_EOF }
        guard errno == EINTR else { return -errno }
    }
}

private func seekFile(_ opaque: UnsafeMutableRawPointer?, _ offset: Int64, _ whence: Int32) -> Int64 {
    guard let opaque else { return Int64(-EINVAL) }
    let file = Unmanaged<FileDescriptor>.fromOpaque(opaque).takeUnretainedValue()
    if whence == AVSEEK_SIZE {
        var status = stat()
        return fstat(file.number, &status) == 0 ? Int64(status.st_size) : Int64(-errno)
    }
    let position = lseek(file.number, off_t(offset), whence & ~AVSEEK_FORCE)
    return position < 0 ? Int64(-errno) : Int64(position)
}

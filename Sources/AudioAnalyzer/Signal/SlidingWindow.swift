// Cuts a stream of samples into overlapping windows.

/// Overlapping windows of `size` samples, one every `hop` samples. The first one starts with the first sample.
struct SlidingWindow {
    let size: Int
    let hop: Int

    private let buffer: SampleBuffer
    /// Samples held, and how many of them no window needs any more.
    private var held = 0
    private var start = 0

    init(size: Int, hop: Int) {
        self.size = size
        self.hop = hop
        // Room for several windows, so that what is kept seldom moves.
        buffer = SampleBuffer(capacity: 8 * size)
    }

    /// Adds samples and calls `body` with each window that they complete.
    mutating func append(_ samples: UnsafeBufferPointer<Float>, _ body: (UnsafePointer<Float>) -> Void) {
        guard var next = samples.baseAddress else { return }
        var left = samples.count
        let memory = buffer.reserve(8 * size)
        while left > 0 {
            if held == 8 * size {
                memory.update(from: memory + start, count: held - start)
                held -= start
                start = 0
            }
            let length = min(left, 8 * size - held)
            (memory + held).update(from: next, count: length)
            next += length
            left -= length
            held += length
            while held - start >= size {
                body(memory + start)
                start += hop
            }
        }
    }
}

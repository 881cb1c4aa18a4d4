// Eight samples at once, in the form that the compiler turns into vector instructions: the standard library's `pointwiseMax`
// works lane by lane.

extension SIMD8<Float> {
    /// The eight samples from `start` on, at any alignment.
    @inline(__always)
    init(from start: UnsafePointer<Float>) {
        self = UnsafeRawPointer(start).loadUnaligned(as: Self.self)
    }

    @inline(__always)
    var magnitude: Self {
        unsafeBitCast(unsafeBitCast(self, to: SIMD8<UInt32>.self) & 0x7fff_ffff, to: Self.self)
    }

    @inline(__always)
    func highest(_ other: Self) -> Self { replacing(with: other, where: self .< other) }

    @inline(__always)
    func lowest(_ other: Self) -> Self { replacing(with: other, where: other .< self) }

    @inline(__always)
    var highestLane: Float {
        let four = lowHalf.replacing(with: highHalf, where: lowHalf .< highHalf)
        return Swift.max(Swift.max(four.x, four.y), Swift.max(four.z, four.w))
    }
}

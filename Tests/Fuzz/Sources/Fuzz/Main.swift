// Fuzz TARGET [libFuzzer's arguments]: feeds one of the readers of untrusted bytes with what libFuzzer makes up. A target traps
// where a promise is broken, and the sanitizers where memory is. libFuzzer brings `main` and calls the two functions below.

import NIOCore
import Synchronization

enum Target: String, CaseIterable {
    case frames
    case messages
    case replies
}

private let chosen = Mutex<Target?>(nil)

/// Takes the target's name out of the arguments, before libFuzzer reads them.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> Int32 {
    guard count.pointee > 1, let name = arguments.pointee[1], let target = Target(rawValue: String(cString: name))
    else {
        fatalError("usage: Fuzz TARGET [libFuzzer's arguments], TARGET being one of \(Target.allCases)")
    }
    chosen.withLock { $0 = target }
    arguments.pointee[1] = arguments.pointee[0]
    arguments.pointee += 1
    count.pointee -= 1
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = ByteBuffer(bytes: UnsafeBufferPointer(start: start, count: count))
    switch chosen.withLock({ $0 }) {
    case .frames: check(frames: bytes)
    case .messages: check(messages: bytes)
    case .replies: check(replies: bytes)
    case nil: break
    }
    return 0
}

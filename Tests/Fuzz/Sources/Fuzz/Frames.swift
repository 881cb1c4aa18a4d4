import NIOCore

@testable import RPC

/// What a connection reads: the same frames, and the same error after them, however the bytes are cut into reads; and each frame
/// survives being written and read again.
func check(frames bytes: ByteBuffer) {
    let whole = frames(in: [bytes])
    let cut = frames(in: pieces(of: bytes))
    guard whole == cut else { fatalError("read at once: \(whole)\nread in pieces: \(cut)") }
    for case .frame(let frame) in whole {
        var encoded = ByteBuffer()
        frame.encode(into: &encoded)
        encoded.moveReaderIndex(forwardBy: 4)
        guard let again = try? Frame(decoding: encoded), again == frame else {
            fatalError("\(frame) is not what its own bytes are read as: \(encoded)")
        }
    }
}

private enum Outcome: Equatable {
    case frame(Frame)
    case error(RPCError)
}

private func frames(in reads: [ByteBuffer]) -> [Outcome] {
    let decoder = NIOSingleStepByteToMessageProcessor(FrameDecoder(maxMessageBytes: 1 << 16))
    var outcomes: [Outcome] = []
    do {
        for read in reads { try decoder.process(buffer: read) { outcomes.append(.frame($0)) } }
    } catch let error as RPCError {
        outcomes.append(.error(error))
    } catch {
        fatalError("an error that no peer can be told: \(error)")
    }
    return outcomes
}

/// Cuts bytes into reads of 1 to 16 bytes, of lengths that depend on the bytes alone, so that a finding can be replayed.
func pieces(of bytes: ByteBuffer) -> [ByteBuffer] {
    var bytes = bytes
    var state = bytes.readableBytesView.reduce(1 as UInt32) { ($0 ^ UInt32($1)) &* 16_777_619 }
    var pieces: [ByteBuffer] = []
    while bytes.readableBytes > 0 {
        state = state &* 1_664_525 &+ 1_013_904_223
        guard let piece = bytes.readSlice(length: min(bytes.readableBytes, Int(state >> 28) + 1)) else { break }
        pieces.append(piece)
    }
    return pieces
}

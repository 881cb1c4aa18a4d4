// Reads what the worker says, on a thread of its own, and decides when this process has to leave.
import AnalysisAPI
import Glibc
import NIOCore
import RPC

/// Reads requests from a file descriptor until there is a reason to leave.
struct RequestReader {
    enum Work: Sendable {
        case analyze(Analyze)
        case probe(Probe)
        /// With the song that was identified.
        case proceed
        case skip
    }

    /// Why the process leaves.
    enum Ending: Equatable, CustomStringConvertible {
        case inputEnded
        case leasePassed
        case protocolBroken(String)

        var exitCode: Int32 {
            switch self {
            case .inputEnded: EXIT_SUCCESS
            case .leasePassed, .protocolBroken: EXIT_FAILURE
            }
        }

        var description: String {
            switch self {
            case .inputEnded: "leaving: the worker has closed the input"
            case .leasePassed: "leaving: nothing heard from the worker for as long as its lease"
            case .protocolBroken(let what): "leaving: \(what)"
            }
        }
    }

    let input: Int32

    /// Hands each request for work to `accept`, which returns false where it has not begun the one before.
    func run(accept: (Work) -> Bool) -> Ending {
        var frames = FrameDecoder()
        var lease = Lease()
        while true {
            let began = ContinuousClock.now
            guard isReadable(within: lease.nextWait) else {
                lease.pass(ContinuousClock.now - began)
                if lease.hasPassed, !isReadable(within: .zero) { return .leasePassed }
                continue
            }
            var bytes = [UInt8](repeating: 0, count: 16 * 1024)
            let count = read(input, &bytes, bytes.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return .inputEnded }
            frames.append(bytes[..<count])
            do {
                while let frame = try frames.next() {
                    lease.renew()
                    switch try AnalyzerRequest(decoding: frame).request {
                    case .ping(let ping): lease.renew(for: .milliseconds(Int64(clamping: ping.leaseMs)))
                    case .analyze(let analyze):
                        guard accept(.analyze(analyze)) else { return .protocolBroken(Self.tooEager) }
                    case .probe(let probe):
                        guard accept(.probe(probe)) else { return .protocolBroken(Self.tooEager) }
                    case .proceed: guard accept(.proceed) else { return .protocolBroken(Self.tooEager) }
                    case .skip: guard accept(.skip) else { return .protocolBroken(Self.tooEager) }
                    case nil: break
                    }
                }
            } catch {
                return .protocolBroken("the worker has sent what is not a request: \(error)")
            }
        }
    }

    private static let tooEager = "the worker has sent several requests without waiting for the replies"

    /// Also true at the end of the input.
    private func isReadable(within wait: Duration?) -> Bool {
        var descriptor = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
        let milliseconds = wait.map { Int32(clamping: $0.components.seconds * 1000 + $0.milliseconds) } ?? -1
        return poll(&descriptor, 1, milliseconds) > 0
    }
}

extension Duration {
    /// The part below a second, rounded up, so that a wait is never cut short.
    fileprivate var milliseconds: Int64 { (components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000 }
}

// The real executable, spoken to over its pipes as a worker does.
import AnalysisAPI
import Foundation
import NIOCore
import RPC

@testable import AudioAnalyzer

/// A running analyzer. Its calls block; a test stays on one thread, for the child dies with the thread that started it.
final class AnalyzerChild {
    struct Ended: Error {}

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var frames = FrameDecoder()

    var pid: Int32 { process.processIdentifier }

    /// Beside the test bundle, where the build puts it.
    static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("audio-analyzer")

    /// Starts it and waits until it is ready.
    init(launcher: (executable: String, arguments: [String])? = nil) throws {
        process.executableURL = launcher.map { URL(fileURLWithPath: $0.executable) } ?? Self.executable
        process.arguments = launcher?.arguments ?? []
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        guard case .ready(let ready) = try receive(), ready.analyzer == Session.analyzer else { throw Ended() }
    }

    deinit {
        kill(pid, SIGKILL)
        process.waitUntilExit()
    }

    func send(_ request: AnalyzerRequest.Request) throws {
        var frame = ByteBuffer()
        frame.writeInteger(UInt32(0))
        AnalyzerRequest(request: request).encode(into: &frame)
        frame.setInteger(UInt32(frame.readableBytes - 4), at: 0)
        try input.fileHandleForWriting.write(contentsOf: Data(frame.readableBytesView))
    }

    func send(bytes: [UInt8]) throws { try input.fileHandleForWriting.write(contentsOf: Data(bytes)) }

    /// Throws `Ended` where the child has left.
    func receive() throws -> AnalyzerReply.Reply {
        while true {
            if let frame = try frames.next(), let reply = try AnalyzerReply(decoding: frame).reply { return reply }
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw Ended() }
            frames.append(Array(bytes)[...])
        }
    }

    /// The fractions reported for a song, and the reply that ended it.
    func analyze(_ path: String, roots: [String]) throws -> (fractions: [Double], end: AnalyzerReply.Reply) {
        try send(.analyze(Analyze(path: path, roots: roots)))
        return try rest()
    }

    /// The hash of a song's file, for whose analysis the child waits to be told.
    func identify(_ path: String, roots: [String]) throws -> [UInt8] {
        try send(.analyze(Analyze(path: path, roots: roots)))
        while true {
            switch try receive() {
            case .progress: continue
            case .identified(let identified): return identified.fileHash
            default: throw Ended()
            }
        }
    }

    /// What is still to come of the analysis under way, which goes on where it waits to be told.
    func rest() throws -> (fractions: [Double], end: AnalyzerReply.Reply) {
        var fractions: [Double] = []
        while true {
            switch try receive() {
            case .progress(let progress): fractions.append(progress.fraction)
            case .identified: try send(.proceed(Proceed()))
            case let end: return (fractions, end)
            }
        }
    }

    func closeInput() throws { try input.fileHandleForWriting.close() }

    /// Waits until the child has left.
    func exitCode() throws -> Int32 {
        while (try? receive()) != nil {}
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Stops the child and waits until the kernel says that it is.
    func stop() throws {
        kill(pid, SIGSTOP)
        while try state() != "T" { sched_yield() }
    }

    func continueAfterPing() throws {
        try send(.ping(Ping(leaseMs: 60_000)))
        kill(pid, SIGCONT)
    }

    private func state() throws -> Character? {
        let status = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return status.split(separator: ")").last?.dropFirst().first
    }
}

// An analyzer that does what the song tells it: its attributes are a script, run in order.
//
//   progress F      says that it is at fraction F, and as its stage what its process id is
//   count N         says N times that it has come on, as fast as it can
//   wait PATH       waits until somebody opens the named pipe at PATH for writing
//   await-continue  waits until it is stopped and continued, and says in its answer whether a ping was there by then
//   identify TEXT   says that the hash of its file is TEXT, and waits until it is to proceed, or skips the rest
//   answer JSON     ends the song with JSON, in which $PID is its process id, $PINGED what await-continue saw, $HEARD how many
//                  pings came before the song, and $TRACE the trace context that came with it
//   reject TEXT     ends the song with a refusal
//   exit CODE, abort, hang, spin, allocate BYTES, write PATH, say TEXT (on stderr), raw TEXT (on stdout)

import AnalysisAPI
import Glibc
import NIOCore
import RPC

@main
struct ScriptAnalyzer {
    private var pinged = false
    private var heard = 0
    private var traceparent = ""

    static func main() throws {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGCONT)
        sigprocmask(SIG_BLOCK, &signals, nil)
        // Without one it never becomes ready.
        guard CommandLine.arguments.count > 1 else { exit(7) }
        var analyzer = ScriptAnalyzer()
        let version = AnalyzerVersion(name: CommandLine.arguments[1], version: "1")
        analyzer.say(.ready(Ready(analyzer: version)))
        while let request = try analyzer.next() {
            switch request {
            case .analyze(let analyze): analyzer.run(analyze)
            case .probe(let probe): analyzer.list(probe)
            case .ping: analyzer.heard += 1
            case .proceed, .skip: exit(65)
            }
        }
    }

    private mutating func run(_ analyze: Analyze) {
        traceparent = analyze.traceparent
        for step in analyze.song?.attributes ?? [] {
            switch step.name {
            case "progress": say(.progress(AnalyzeProgress(fraction: Double(step.value) ?? 0, stage: "\(getpid())")))
            case "count": count(Int(step.value) ?? 0)
            case "wait": close(open(step.value, O_RDONLY))
            case "await-continue": awaitContinue()
            case "identify": guard isToProceed(as: step.value) else { return }
            case "answer": say(.analyzed(Analyzed(json: Array(filled(step.value).utf8))))
            case "reject": say(.rejected(Rejected(reason: step.value, kind: .unreadable)))
            case "exit": exit(Int32(step.value) ?? 0)
            case "abort": abort()
            case "hang": while true { pause() }
            case "spin": while true {}
            case "allocate": allocate(Int(step.value) ?? 0)
            case "write": fill(step.value)
            case "say": write(Array("\(step.value)\n".utf8), to: STDERR_FILENO)
            case "raw": write(Array(step.value.utf8), to: STDOUT_FILENO)
            default: exit(64)
            }
        }
    }

    private mutating func isToProceed(as hash: String) -> Bool {
        say(.identified(Identified(fileHash: Array(hash.utf8))))
        while let request = try? next() {
            switch request {
            case .proceed: return true
            case .skip:
                say(.skipped(Skipped()))
                return false
            case .ping: heard += 1
            case .analyze, .probe: exit(65)
            }
        }
        exit(66)
    }

    private func list(_ probe: Probe) {
        for root in probe.roots {
            say(.probed(Probed(files: [ProbedFile(location: "\(probe.folder)/song.ogg", title: root)])))
        }
        say(.probeEnded(ProbeEnded(failure: probe.folder == "missing" ? "there is no folder 'missing'" : nil)))
    }

    private func count(_ steps: Int) {
        for step in 1...max(1, steps) {
            say(.progress(AnalyzeProgress(fraction: Double(step) / Double(max(1, steps)), stage: "\(step)")))
        }
    }

    private mutating func awaitContinue() {
        say(.progress(AnalyzeProgress(fraction: 0.5, stage: "waiting to be continued")))
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGCONT)
        var signal: Int32 = 0
        sigwait(&signals, &signal)
        var stdin = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        pinged = poll(&stdin, 1, 0) == 1
    }

    private func allocate(_ bytes: Int) {
        // Not malloc: an optimiser leaves out memory that nobody reads.
        let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            write(Array("out of memory\n".utf8), to: STDERR_FILENO)
            exit(1)
        }
        memset(memory, 1, bytes)
    }

    private func fill(_ path: String) {
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        while true { write(Array(repeating: 0, count: 1 << 16), to: file) }
    }

    private func filled(_ json: String) -> String {
        var filled = ""
        var rest = json[...]
        while let dollar = rest.firstIndex(of: "$") {
            filled += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$PID") {
                filled += "\(getpid())"
                rest = rest.dropFirst(4)
            } else if rest.hasPrefix("$PINGED") {
                filled += "\(pinged)"
                rest = rest.dropFirst(7)
            } else if rest.hasPrefix("$HEARD") {
                filled += "\(heard)"
                rest = rest.dropFirst(6)
            } else if rest.hasPrefix("$TRACE") {
                filled += traceparent
                rest = rest.dropFirst(6)
            } else {
                filled += String(rest.removeFirst())
            }
        }
        return filled + rest
    }

    private func next() throws -> AnalyzerRequest.Request? {
        guard let header = read(4) else { return nil }
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        guard let bytes = read(length) else { return nil }
        return try AnalyzerRequest(decoding: ByteBuffer(bytes: bytes)).request
    }

    private func say(_ reply: AnalyzerReply.Reply) {
        var message = ByteBuffer()
        AnalyzerReply(reply: reply).encode(into: &message)
        var frame = ByteBuffer(integer: UInt32(message.readableBytes))
        frame.writeBuffer(&message)
        write(Array(frame.readableBytesView), to: STDOUT_FILENO)
    }

    private func read(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var chunk = [UInt8](repeating: 0, count: count - bytes.count)
            let size = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            guard size > 0 else { return nil }
            bytes += chunk[..<size]
        }
        return bytes
    }

    private func write(_ bytes: [UInt8], to file: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let size = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard size > 0 else { exit(74) }
            rest = rest.dropFirst(size)
        }
    }
}

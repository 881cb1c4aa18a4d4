// The analyzer process. Without arguments it serves a worker on stdin and stdout; with files it prints what it finds in them.
import AnalysisAPI
import Dispatch
import Glibc

@main
enum Main {
    static func main() async {
        if CommandLine.arguments.count > 1 { exit(CommandLineRun.run(CommandLine.arguments.dropFirst())) }
        Sandbox.enter()
        Sandbox.dieWithParent()
        let (requests, continuation) = AsyncStream.makeStream(
            of: RequestReader.Work.self, bufferingPolicy: .bufferingOldest(1))
        // Its own thread, because it leaves the process whatever the analysis is doing.
        DispatchQueue(label: "requests").async {
            let ending = RequestReader(input: STDIN_FILENO).run { work in
                if case .dropped = continuation.yield(work) { return false }
                return true
            }
            log(ending.description)
            _exit(ending.exitCode)
        }
        var session = Session(replies: ReplyWriter(output: STDOUT_FILENO))
        session.start()
        for await work in requests { session.perform(work) }
    }
}

/// Tells the operator, on stderr.
func log(_ text: String) {
    let line = Array("audio-analyzer: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

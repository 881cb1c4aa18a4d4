// The terminal while a program draws on all of it: keys as they are pressed, its size, and everything as before in the end.

import Dispatch
import Foundation
import Glibc

final class Terminal {
    /// What somebody does with it.
    enum Event: Sendable {
        case resized
        case quit
    }

    /// Both ends must be one.
    static var isThere: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    let events: AsyncStream<Event>
    private var before = termios()
    private var sources: [any DispatchSourceProtocol] = []

    /// Takes the screen, until `restore`.
    init() {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        self.events = events
        tcgetattr(STDIN_FILENO, &before)
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        for (number, event) in [(SIGWINCH, Event.resized), (SIGINT, .quit), (SIGTERM, .quit)] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(event) }
            source.resume()
            sources.append(source)
        }
        let keys = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO)
        keys.setEventHandler {
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = read(STDIN_FILENO, &bytes, bytes.count)
            if count <= 0 || bytes.prefix(count).contains(where: { "qQ\u{3}\u{4}".utf8.contains($0) }) {
                continuation.yield(.quit)
            }
        }
        keys.resume()
        sources.append(keys)
        // Another screen, so that what stood here before is there again afterwards; and no cursor.
        write("\u{1b}[?1049h\u{1b}[?25l")
    }

    func restore() {
        for source in sources { source.cancel() }
        write("\u{1b}[?25h\u{1b}[?1049l")
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
        for number in [SIGINT, SIGTERM, SIGWINCH] { signal(number, SIG_DFL) }
    }

    /// Columns and lines.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    func draw(_ lines: [String]) {
        write("\u{1b}[H" + lines.map { "\($0)\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J")
    }

    private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}

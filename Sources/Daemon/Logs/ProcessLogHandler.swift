// Where the log of a process goes: lines on standard error, for people on a terminal and as JSON everywhere else.

import ArgumentParser
import Foundation
import Glibc
import Instrumentation
import Logging
import RPC
import Synchronization

/// How events are written.
package enum LogFormat: String, ExpressibleByArgument {
    case json, text, auto
}

/// Writes events of one logger.
struct ProcessLogHandler: LogHandler {
    /// Where lines go, and in what form.
    struct Output: Sendable {
        let isJSON: Bool
        let hasColour: Bool
        /// Each line begins with its priority, as sd-daemon(3) has it.
        let isJournal: Bool
        let write: @Sendable (String) -> Void

        func line(_ record: LogRecord) -> String {
            let line = isJSON ? record.json : record.text(colour: hasColour)
            return isJournal ? "<\(record.level.priority)>\(line)" : line
        }
    }

    let label: String
    let output: Output
    let slot: LogLevelControl.Slot
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// Set by who uses this very logger; nil: that of the process.
    private var own: Logger.Level?

    init(
        label: String, output: Output, levels: LogLevelControl = .shared, metadataProvider: Logger.MetadataProvider?
    ) {
        (self.label, self.output, self.metadataProvider) = (label, output, metadataProvider)
        slot = levels.slot(label)
    }

    var logLevel: Logger.Level {
        get { own ?? slot.level }
        set { own = newValue }
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { $1 }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all["error"] = all["error"] ?? "\(error)" }
        let record = LogRecord(
            level: event.level, label: label, message: event.message.description, metadata: all,
            milliseconds: Int64(Date.now.timeIntervalSince1970 * 1000))
        output.write(output.line(record))
    }
}

extension ProcessLogHandler.Output {
    /// Standard error. The journal of systemd says in the environment that it reads it.
    static func standardError(_ format: LogFormat, environment: [String: String]) -> Self {
        let isTerminal = isatty(STDERR_FILENO) == 1
        var file = stat()
        let isJournal =
            fstat(STDERR_FILENO, &file) == 0 && environment["JOURNAL_STREAM"] == "\(file.st_dev):\(file.st_ino)"
        return Self(
            isJSON: format == .json || (format == .auto && !isTerminal),
            hasColour: isTerminal && environment["NO_COLOR", default: ""].isEmpty, isJournal: isJournal,
            write: writeToStandardError)
    }

    /// One line at a time, whole: several threads write.
    private static let writeToStandardError: @Sendable (String) -> Void = { line in
        var line = line
        lock.withLock { _ in
            line.withUTF8 { bytes in
                var written = 0
                while written < bytes.count {
                    let count = Glibc.write(
                        STDERR_FILENO, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                    if count > 0 { written += count } else if errno != EINTR { return }
                }
            }
        }
    }

    private static let lock = Mutex(())
}

extension Logger.Level {
    /// That of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

extension Logger.MetadataProvider {
    /// The trace and the request that the present task works for.
    static let serviceContext = Logger.MetadataProvider {
        guard let context = ServiceContext.current else { return [:] }
        var metadata: Logger.Metadata = [:]
        if let trace = context.trace {
            metadata["trace_id"] = "\(trace.traceID)"
            metadata["span_id"] = "\(trace.spanID)"
        }
        if let request = context.requestID { metadata["request_id"] = "\(request)" }
        return metadata
    }
}

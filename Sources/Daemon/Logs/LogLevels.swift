// From which level on each logger of this process writes, which operators change while it runs.

package import AnalysisAPI
import Foundation
import Logging
package import RPC
import Synchronization

/// What was set, and what follows from it for a logger. A pure value.
struct LogLevelSettings: Sendable {
    struct Setting: Sendable, Hashable {
        let level: Logger.Level
        /// In milliseconds since 1970; nil: until the process ends.
        let until: Int64?
    }

    let startedWith: Logger.Level
    /// By label; that of the whole process is empty.
    private(set) var settings: [String: Setting] = [:]

    init(startedWith: Logger.Level) {
        self.startedWith = startedWith
    }

    /// - Parameter setting: nil: as without one.
    mutating func set(_ setting: Setting?, label: String) {
        settings[label] = setting
    }

    /// Forgets what has had its time.
    mutating func expire(at now: Int64) {
        settings = settings.filter { $0.value.until.map { $0 > now } ?? true }
    }

    /// That of the longest label which is the logger's or begins it.
    func level(of label: String) -> Logger.Level {
        var label = label[...]
        while true {
            if let setting = settings[String(label)] { return setting.level }
            guard let dot = label.lastIndex(of: ".") else { return settings[""]?.level ?? startedWith }
            label = label[..<dot]
        }
    }
}

/// The levels of a process's loggers, which its `Operations` service changes.
package final class LogLevelControl: Sendable {
    /// That of this process: as the logging system, there is one.
    package static let shared = LogLevelControl { Int64(Date.now.timeIntervalSince1970 * 1000) }

    /// What loggers of one label read at every line that they may write.
    final class Slot: Sendable {
        private let value: Atomic<Int>

        init(_ level: Logger.Level) { value = Atomic(level.ordinal) }

        var level: Logger.Level {
            get { Logger.Level.allCases[value.load(ordering: .relaxed)] }
            set { value.store(newValue.ordinal, ordering: .relaxed) }
        }
    }

    private struct State {
        var process = ""
        var settings = LogLevelSettings(startedWith: .info)
        var slots: [String: Slot] = [:]
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// - Parameter now: in milliseconds since 1970.
    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// - Parameter process: its name, such as queue-service.
    func start(process: String, level: Logger.Level) {
        state.withLock { state in
            state.process = process
            state.settings = LogLevelSettings(startedWith: level)
        }
        refresh()
    }

    func slot(_ label: String) -> Slot {
        state.withLock { state in
            if let slot = state.slots[label] { return slot }
            let slot = Slot(state.settings.level(of: label))
            state.slots[label] = slot
            return slot
        }
    }

    /// - Parameters:
    ///   - level: nil: as without a setting.
    ///   - seconds: how long it holds; 0: until the process ends.
    /// - Throws: `.invalidArgument` where no logger has the label, nor one that begins with it.
    func set(_ level: Logger.Level?, label: String, seconds: UInt32) throws -> LogLevels {
        let until = seconds == 0 ? nil : now() + Int64(seconds) * 1000
        try state.withLock { state in
            let labels = state.slots.keys.sorted()
            guard label.isEmpty || labels.contains(where: { $0 == label || $0.hasPrefix(label + ".") }) else {
                throw RPCError(
                    .invalidArgument,
                    "\(state.process) has no logger '\(label)'; it has \(labels.joined(separator: ", "))")
            }
            state.settings.set(level.map { .init(level: $0, until: until) }, label: label)
        }
        if until != nil {
            Task { [weak self] in
                try? await Task.sleep(for: .seconds(seconds))
                self?.refresh()
            }
        }
        return refresh()
    }

    /// What is in force now, once what has had its time is forgotten.
    @discardableResult
    func refresh() -> LogLevels {
        state.withLock { state in
            state.settings.expire(at: now())
            for (label, slot) in state.slots { slot.level = state.settings.level(of: label) }
            let settings = state.settings.settings.sorted { $0.key < $1.key }.map { label, setting in
                LogLevelSetting(label: label, level: LogLevel(setting.level), untilMs: setting.until ?? 0)
            }
            return LogLevels(
                process: state.process, startedWith: LogLevel(state.settings.startedWith), settings: settings)
        }
    }
}

/// What operators ask of a running process.
package struct OperationsService: OperationsProvider {
    /// Makes a change that was asked for, and writes down who asked.
    package typealias Noting =
        @Sendable (SetLogLevelRequest, CallContext, _ change: () async throws -> LogLevels) async throws -> LogLevels

    static let names = ["analysis.v1.Operations"]

    private let levels = LogLevelControl.shared
    private let noting: Noting

    /// - Parameter noting: where changes are written down besides the log; by default nowhere.
    package init(noting: @escaping Noting = { _, _, change in try await change() }) {
        self.noting = noting
    }

    package func getLogLevels(_ request: GetLogLevelsRequest, context: CallContext) async throws -> LogLevels {
        try context.require(actingFor: "")
        return levels.refresh()
    }

    package func setLogLevel(_ request: SetLogLevelRequest, context: CallContext) async throws -> LogLevels {
        try await noting(request, context) { try change(request, context) }
    }

    private func change(_ request: SetLogLevelRequest, _ context: CallContext) throws -> LogLevels {
        try context.require(actingFor: "")
        let level = try Logger.Level(request.level)
        let reply = try levels.set(level, label: request.label, seconds: request.seconds)
        Logger(label: reply.process).notice(
            "log level changed",
            metadata: [
                "label": "\(request.label)", "to": "\(level?.rawValue ?? "default")", "seconds": "\(request.seconds)",
                "by": "\(context.peer)",
            ])
        return reply
    }
}

extension Logger.Level {
    fileprivate var ordinal: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// - Throws: `.invalidArgument` where it is none that this version knows.
    init?(_ level: LogLevel) throws {
        switch level {
        case .unspecified: return nil
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        case .unrecognized(let number):
            throw RPCError(.invalidArgument, "level is \(number); trace (1) to critical (7) are right")
        }
    }
}

extension LogLevel {
    init(_ level: Logger.Level) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            case .critical: .critical
            }
    }
}

// Kills every analyzer when the worker dies, however it dies.
//
// A running analyzer whose worker is gone finds its stdin ended, if it looks; a frozen one is sent SIGHUP and SIGCONT by the
// kernel, unless whoever adopts it belongs to the same session, as the first process of a container can. The guard depends on
// neither: it is a process of its own that reads which groups are alive, and kills them when its stdin ends.

import Logging
import Subprocess
import SystemPackage

/// Holds the guard process and tells it which process groups to kill.
actor ProcessGuard {
    private var groups: Set<pid_t> = []
    private var writer: StandardInputWriter?
    private var isTelling = false
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Keeps a guard running until cancelled.
    func run() async {
        while !Task.isCancelled {
            do {
                try await hold()
            } catch {
                logger.error("the guard of the analyzers does not start", metadata: ["error": "\(error)"])
            }
            writer = nil
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// From soon after on, the group does not outlive the worker.
    func watch(_ group: pid_t) async {
        groups.insert(group)
        await tell()
    }

    /// To be called before the group's leader is reaped: its number may then be given to another.
    func forget(_ group: pid_t) async {
        groups.remove(group)
        await tell()
    }

    private func hold() async throws {
        var options = PlatformOptions()
        options.processGroupID = 0
        _ = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", Self.script], platformOptions: options, input: .inputWriter,
            output: .sequence, error: .discarded
        ) { execution in
            writer = execution.standardInputWriter
            await tell()
            // It says nothing: this ends when the guard does.
            for try await _ in execution.standardOutput {}
        }
    }

    /// One at a time, so that the last line written is the latest.
    private func tell() async {
        guard let writer, !isTelling else { return }
        isTelling = true
        defer { isTelling = false }
        var told: Set<pid_t>?
        while told != groups {
            told = groups
            // A guard that is gone is replaced, and hears of all groups then.
            _ = try? await writer.write(groups.map(String.init).joined(separator: " ") + "\n")
        }
    }

    /// The last complete line counts.
    private static let script = """
        trap '' HUP INT TERM QUIT
        while read -r line; do groups=$line; done
        for group in $groups; do kill -s KILL -- "-$group"; done
        """
}

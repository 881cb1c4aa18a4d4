// The analyzers that a worker can run, and how they are named on its command line.

import ArgumentParser
import Foundation

/// A name and the command that starts a process which speaks `proto/analysis/v1/analyzer.proto` on its stdin and stdout.
struct Analyzer: Hashable, Sendable {
    let name: String
    /// Absolute path.
    let executable: String
    let arguments: [String]

    /// The built-in one: `audio-analyzer` in the folder of the worker's own executable.
    static var audio: Analyzer? {
        guard let worker = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return nil }
        return Analyzer(
            name: audioName, executable: worker.deletingLastPathComponent().appending(path: audioExecutable).path,
            arguments: [])
    }

    static let audioName = "audio"
    private static let audioExecutable = "audio-analyzer"
}

extension Analyzer: ExpressibleByArgument {
    /// Reads `NAME=COMMAND`, where COMMAND is a shell's: quotes and variables work as they do there.
    init?(argument: String) {
        guard let match = argument.wholeMatch(of: /([a-z0-9][a-z0-9_\-]*)=\s*(\S.*)/.dotMatchesNewlines()) else {
            return nil
        }
        // `exec` makes the analyzer itself the child, not a shell that waits for it.
        self.init(name: String(match.1), executable: "/bin/sh", arguments: ["-c", "exec \(match.2)"])
    }
}

/// How an analyzer makes way for what comes before it.
enum Preemption: String, CaseIterable, Hashable, Sendable {
    /// At once: it is frozen where it stands, and goes on there.
    case stop
    /// It cannot bear to be frozen, because it talks to somebody who would not wait, say: it ends the song first.
    case finishSong = "finish-song"
}

/// `NAME=stop` or `NAME=finish-song`, as on the command line.
struct PreemptionOfAnalyzer: ExpressibleByArgument {
    let analyzer: String
    let preemption: Preemption

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let preemption = Preemption(rawValue: String(parts[1])) else {
            return nil
        }
        analyzer = String(parts[0])
        self.preemption = preemption
    }
}

/// What of a lane may be frozen, and for how long it stays so.
struct SuspensionRules: Hashable, Sendable {
    /// How many frozen runs a lane keeps.
    var maximumCount = 2
    /// How much resident memory the frozen children of a lane keep.
    var maximumBytes = UInt64.max
    /// The analyzers that are not frozen to make way.
    var finishSong: Set<String> = []
}

/// Where songs are looked for.
struct MusicFolders: Sendable {
    /// Absolute paths.
    let roots: [String]

    /// The absolute path of a song; of several folders that of the first that has it. The child alone judges whether it may be
    /// opened.
    ///
    /// - Parameter location: the path beneath a music folder; empty for a song without a file.
    func path(of location: String) -> String {
        guard !location.isEmpty, let first = roots.first else { return "" }
        let root =
            roots.count == 1 ? first : roots.first { FileManager.default.fileExists(atPath: $0 + "/" + location) }
        return (root ?? first) + "/" + location
    }
}

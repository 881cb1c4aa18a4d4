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

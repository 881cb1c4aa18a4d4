// `analysisctl backup` and `analysisctl restore`: the whole store as a file.

import AnalysisAPI
import ArgumentParser
import Foundation
import RPC

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes all that the queue has stored to a file, as it stands at one instant.",
        discussion:
            """
            May run at any time, and nothing waits for it. The file holds users with their password hashes, so it can be read by \
            its owner only. It leaves out what the progress service has learned, which it learns again.
            """)

    @Argument(help: "The file to make; - is standard output.") var file: String
    @Flag(help: "Replaces the file where there is one.") var force = false
    @OptionGroup var connection: Connection

    func run() async throws {
        guard force || file == "-" || !FileManager.default.fileExists(atPath: file) else {
            throw ValidationError("There is a file '\(file)' already; --force replaces it.")
        }
        var options = connection.options
        options.timeout = nil
        let bytes = try await WholeFile(file).written { output in
            try await connection.withQueue { [options] client in
                var bytes = 0
                let line = ProgressLine()
                defer { line.end() }
                for try await part in MaintenanceClient(client).backup(BackupRequest(), options: options) {
                    try output.write(contentsOf: Data(part.data))
                    bytes += part.data.count
                    line.show("\(bytes >> 10) KiB")
                }
                return bytes
            }
        }
        guard file != "-" else { return }
        connection.show(["file": JSON.text(file), "bytes": .number(Int64(bytes))]) { _ in
            print("\(file): \(bytes) bytes")
        }
    }
}

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts back what a backup holds, all of it at once.",
        discussion:
            """
            Where there are users or jobs it changes nothing, unless they may be replaced. Workers go on by themselves; restart \
            the progress service afterwards where something was replaced.
            """)

    @Argument(help: "The file that `analysisctl backup` made; - is standard input.") var file: String
    @Flag(help: "Removes all users, libraries and jobs that are there. Back them up first.") var replace = false
    @OptionGroup var connection: Connection

    /// How much is sent at once.
    private static let partBytes = 256 << 10

    func run() async throws {
        guard let input = file == "-" ? .standardInput : FileHandle(forReadingAtPath: file) else {
            throw ValidationError("There is no file '\(file)' that can be read.")
        }
        var options = connection.options
        options.timeout = nil
        let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
        let reply = try await connection.withQueue { [replace, options, input, size] client in
            let line = ProgressLine()
            defer { line.end() }
            var sent = 0
            return try await MaintenanceClient(client).restore(options: options) { writer in
                var part = try input.read(upToCount: Self.partBytes) ?? Data()
                repeat {
                    try await writer.write(RestorePart(data: Array(part), replace: replace))
                    sent += part.count
                    line.show("sent \(sent >> 10) KiB", fraction: size.map { Double(sent) / Double(max(1, $0)) })
                    part = try input.read(upToCount: Self.partBytes) ?? Data()
                } while !part.isEmpty
            }
        }
        connection.show(reply) { print("\($0.keys) keys, as they were at \(time($0.takenAtMs))") }
    }
}

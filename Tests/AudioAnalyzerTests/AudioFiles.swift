// Audio files in every format, made by the `ffmpeg` command, in a folder that goes away with the test.
import Foundation

/// A folder of files for one test.
final class AudioFiles {
    let folder: URL

    init() throws {
        // The real path: the analyzer follows no links, and the temporary folder may be reached by one.
        let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        folder = temporary.appendingPathComponent("audio-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Makes a file of a melody over noise, in the format that its name and the further arguments of ffmpeg say.
    @discardableResult
    func make(_ name: String, seconds: Double = 4, arguments: [String] = []) throws -> String {
        let sound = "0.3*sin(2*PI*220*t*(1+mod(floor(t*2)\\,4)/4))+0.05*(random(0)-0.5)"
        try Self.ffmpeg(
            ["-f", "lavfi", "-i", "aevalsrc=\(sound)|\(sound):d=\(seconds):s=44100"] + arguments + [path(name)])
        return path(name)
    }

    /// Keeps the first part of a file.
    func truncate(_ name: String, to part: Double) throws -> String {
        let whole = try Data(contentsOf: folder.appendingPathComponent(name))
        try whole.prefix(Int(Double(whole.count) * part)).write(to: folder.appendingPathComponent(name))
        return path(name)
    }

    func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        return path(name)
    }

    struct FFmpegFailed: Error { let arguments: [String] }

    /// Debian's package `ffmpeg` has the command.
    static func ffmpeg(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ffmpeg", "-nostdin", "-v", "error", "-y"] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw FFmpegFailed(arguments: arguments) }
    }
}

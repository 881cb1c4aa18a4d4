// Lists the audio files of the music folders with their tags, without decoding them.
import AnalysisAPI
import CAudio
import Glibc

/// A listing of all music folders or of one folder in them.
struct FolderProbe {
    let roots: [String]
    /// Relative to the roots; empty for all of them.
    let folder: String
    /// Files that are listed and not opened.
    var known: Set<FileMark> = []

    private static let batchSize = 32
    private static let deepest = 64
    private static let longestTag = 500
    /// The longest song that a library takes, 30 days: files may say anything.
    private static let longestMs = 2_592_000_000.0
    /// A time of a file, in seconds, that can be told in milliseconds.
    private static let tellableSeconds = -(Int.max / 2000)...(Int.max / 2000)

    private static let extensions: Set<String> = [
        "aac", "ac3", "aif", "aifc", "aiff", "alac", "amr", "ape", "au", "caf", "dsf", "dts", "eac3", "flac", "m4a",
        "m4b", "mka",
        "mp2", "mp3", "mpc", "oga", "ogg", "opus", "spx", "tak", "tta", "voc", "w64", "wav", "weba", "wma", "wv",
    ]

    /// Hands over what it finds in batches, each folder in the order of names. Files that are no audio, or links, are listed
    /// without tags, so that whoever asks for them learns why they cannot be analysed; hidden ones are not.
    func run(deliver: ([ProbedFile]) -> Void) throws(Rejection) {
        var batch: [ProbedFile] = []
        var missing: [Rejection] = []
        for root in roots {
            let top: FileDescriptor
            do throws(Rejection) {
                top = try MusicFolders([root]).openFolder(root, folder)
            } catch {
                guard error.kind == .missing else { throw error }
                missing.append(error)
                continue
            }
            list(top, prefix: folder.isEmpty ? "" : folder + "/", depth: 0) { file in
                batch.append(file)
                guard batch.count == Self.batchSize else { return }
                deliver(batch)
                batch.removeAll(keepingCapacity: true)
            }
        }
        // One of the roots has it, as a rule.
        if missing.count == roots.count, let first = missing.first { throw first }
        if !batch.isEmpty { deliver(batch) }
    }

    private func list(_ folder: FileDescriptor, prefix: String, depth: Int, found: (ProbedFile) -> Void) {
        for name in names(in: folder) {
            var status = stat()
            guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                guard depth < Self.deepest,
                    let inner = FileDescriptor(name, in: folder, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                else { continue }
                list(inner, prefix: prefix + name + "/", depth: depth + 1, found: found)
            case S_IFREG, S_IFLNK:
                guard let dot = name.lastIndex(of: "."),
                    Self.extensions.contains(name[name.index(after: dot)...].lowercased())
                else { continue }
                var file = ProbedFile(
                    location: prefix + name,
                    modifiedAtMs: Self.milliseconds(status.st_mtim),
                    bytes: UInt64(clamping: status.st_size))
                file.isKnown = known.contains(file.mark)
                if !file.isKnown { readTags(of: name, in: folder, into: &file) }
                found(file)
            default: continue
            }
        }
    }

    private static func milliseconds(_ time: timespec) -> Int64 {
        let seconds = min(max(time.tv_sec, tellableSeconds.lowerBound), tellableSeconds.upperBound)
        return Int64(seconds) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Names that are not UTF-8 cannot be told to anyone and are left out.
    private func names(in folder: FileDescriptor) -> [String] {
        guard let entries = fdopendir(dup(folder.number)) else { return [] }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name, !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private func readTags(of name: String, in folder: FileDescriptor, into file: inout ProbedFile) {
        guard let descriptor = FileDescriptor(name, in: folder, flags: O_RDONLY | O_NOFOLLOW),
            let container = try? AudioContainer(descriptor)
        else { return }
        func tag(_ name: String) -> String { String((container.tag(name) ?? "").prefix(Self.longestTag)) }
        file.title = tag("title")
        file.artist = tag("artist")
        file.album = tag("album")
        // Such as "3" or "3/12".
        file.track = UInt32(tag("track").prefix { $0.isASCII && $0.isNumber }) ?? 0
        let milliseconds = (container.length?.seconds ?? 0) * 1000
        file.durationMs = UInt64(max(0, min(milliseconds, Self.longestMs)).rounded())
    }
}

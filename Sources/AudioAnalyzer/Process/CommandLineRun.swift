// The analyzer by hand: prints the result of each file as one line of JSON. The benchmarks use it too.
import Glibc

enum CommandLineRun {
    private static let usage = """
        usage: audio-analyzer                      serve a worker on stdin and stdout
               audio-analyzer FILE...              print the analysis of each file, one JSON object per line
               audio-analyzer --decode-only FILE...  print the length of each file in seconds, by decoding it

        """

    /// Returns the exit code: 1 where a file could not be analysed, 64 where the arguments make no sense.
    static func run(_ arguments: ArraySlice<String>) -> Int32 {
        let decodesOnly = arguments.first == "--decode-only"
        let files = decodesOnly ? arguments.dropFirst() : arguments
        if files.contains("--help") {
            print(usage, terminator: "")
            return EXIT_SUCCESS
        }
        guard !files.isEmpty, !files.contains(where: { $0.hasPrefix("-") }) else {
            log("unknown arguments\n\(usage)")
            return 64
        }
        Sandbox.enter()
        var code = EXIT_SUCCESS
        for file in files {
            do {
                print(try decodesOnly ? decode(file) : analyze(file))
            } catch {
                log("\(file): \((error as? Rejection)?.reason ?? "\(error)")")
                code = EXIT_FAILURE
            }
        }
        return code
    }

    private static func analyze(_ file: String) throws -> String {
        let analysis = try AudioAnalysis(AudioDecoder(open(file)))
        while try analysis.step() {}
        return String(decoding: try analysis.result().json(), as: UTF8.self)
    }

    private static func decode(_ file: String) throws -> String {
        let decoder = try AudioDecoder(open(file))
        while try decoder.next() != nil {}
        return "\(decoder.decodedSeconds)"
    }

    /// Whoever runs this by hand may read whatever they can; links are theirs to follow.
    private static func open(_ file: String) throws -> FileDescriptor {
        guard let path = realpath(file, nil) else { throw Rejection.missing("the file does not exist") }
        defer { free(path) }
        return try MusicFolders(["/"]).openFile(String(cString: path))
    }
}

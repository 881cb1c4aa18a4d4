// What becomes of songs that fail, as an operator decides it.

import ArgumentParser

struct FailureOptions: ParsableArguments {
    @Option(help: "How often a song is tried in all whose analyzer crashes or takes too long.")
    var songAttempts = QueueLimits().songAttempts

    @Option(
        help: "How many milliseconds pass at most before a song's second attempt; twice as many before each further.")
    var retryBaseMs = QueueLimits().retryBase.milliseconds

    @Option(help: "How many milliseconds pass at most before any attempt.")
    var retryCapMs = QueueLimits().retryCap.milliseconds

    @Option(help: "After how many songs in a row that fail in an analyzer work is held back; 0: never.")
    var breakerSongs = QueueLimits().breakerSongs

    @Option(help: "After how many milliseconds each time one song is tried while work is held back for that.")
    var breakerProbeMs = QueueLimits().breakerProbe.milliseconds

    func validate() throws {
        let day: Int64 = 86_400_000
        guard (1...100).contains(songAttempts) else {
            throw ValidationError("--song-attempts is \(songAttempts); it must be between 1 and 100.")
        }
        guard (0...day).contains(retryBaseMs) else {
            throw ValidationError("--retry-base-ms is \(retryBaseMs); it must be between 0 and \(day), a day.")
        }
        guard (retryBaseMs...day).contains(retryCapMs) else {
            throw ValidationError(
                "--retry-cap-ms is \(retryCapMs); it must be between --retry-base-ms, \(retryBaseMs), and \(day), a day."
            )
        }
        guard (0...10_000).contains(breakerSongs) else {
            throw ValidationError("--breaker-songs is \(breakerSongs); it must be between 0 and 10000.")
        }
        guard (100...day).contains(breakerProbeMs) else {
            throw ValidationError("--breaker-probe-ms is \(breakerProbeMs); it must be between 100 and \(day), a day.")
        }
    }
}

// What a child may use. The limits are set from outside, before the child gets its first frame.

import CLinux
import Glibc

/// Limits of one analyzer process and of what it starts.
struct ProcessLimits: Sendable {
    /// Private writable memory (`RLIMIT_DATA`), which is what decoders and parsers allocate; mapped files do not count.
    var memoryBytes: UInt64 = 1 << 30
    /// CPU time for one song.
    var cpuSeconds: UInt64 = 1800
    /// The largest file it may write.
    var fileBytes: UInt64 = 256 << 20
    /// Analyses yield to the services, which then answer at once while every core is in use.
    var niceness: Int32 = 5

    /// Sets the limits of the process group that `pid` leads.
    ///
    /// - Throws: what the system says about it.
    func apply(to pid: pid_t) throws(LimitError) {
        try set(RLIMIT_DATA, of: pid, soft: memoryBytes, hard: memoryBytes)
        try set(RLIMIT_FSIZE, of: pid, soft: fileBytes, hard: fileBytes)
        try set(RLIMIT_CORE, of: pid, soft: 0, hard: 0)
        guard setpriority(__priority_which_t(PRIO_PGRP.rawValue), id_t(pid), niceness) == 0 else {
            throw LimitError(errno: errno)
        }
    }

    /// Gives the process the CPU time for one more song. A child analyses many, and the system counts all of its life.
    func allowSong(to pid: pid_t) throws(LimitError) {
        var used: CUnsignedLongLong = 0
        let failure = linux_cpu_seconds(pid, &used)
        guard failure == 0 else { throw LimitError(errno: failure) }
        // Only the soft limit: a hard one could not be raised again for the next song.
        try set(RLIMIT_CPU, of: pid, soft: used + 1 + cpuSeconds, hard: .max)
    }

    private func set(
        _ resource: __rlimit_resource, of pid: pid_t, soft: UInt64, hard: UInt64
    ) throws(LimitError) {
        guard linux_set_limit(pid, resource.rawValue, soft, hard) == 0 else { throw LimitError(errno: errno) }
    }
}

struct LimitError: Error, CustomStringConvertible {
    let errno: Int32

    var description: String { String(cString: strerror(errno)) }
}

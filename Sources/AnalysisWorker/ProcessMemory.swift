// How much memory a process holds, as Linux tells it under /proc.

import Daemon
import Foundation
import Glibc

enum ProcessMemory {
    /// The resident memory of a process and of all that it has started, in bytes; nothing for one that is gone. Pages that
    /// several of them share are counted for each.
    static func residentBytes(of pid: pid_t) -> UInt64 {
        // The second field of statm, in pages (proc_pid_statm(5)).
        let pages =
            ProcFile.text("/proc/\(pid)/statm").split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
        return pages * UInt64(getpagesize()) + children(of: pid).reduce(0) { $0 + residentBytes(of: $1) }
    }

    /// Each thread has its own (proc_tid_children(5)).
    private static func children(of pid: pid_t) -> [pid_t] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.flatMap { thread in
            ProcFile.text("/proc/\(pid)/task/\(thread)/children").split(separator: " ").compactMap { pid_t($0) }
        }
    }
}

// What the kernel says about a process.

import Foundation
import Metrics

/// Reads `/proc`.
package struct ProcessFigures: Sendable, Hashable {
    package var cpuSeconds: Double
    package var virtualBytes: UInt64
    package var residentBytes: UInt64
    /// After the machine's start.
    var startedAfterBoot: Double

    /// - Parameter pid: another process than this one.
    /// - Returns: nil where there is no such process.
    package init?(pid: Int32? = nil) {
        let stat = ProcFile.text("/proc/\(pid.map(String.init) ?? "self")/stat")
        self.init(stat: stat, ticksPerSecond: sysconf(Int32(_SC_CLK_TCK)), pageBytes: sysconf(Int32(_SC_PAGESIZE)))
    }

    /// - Parameter stat: as proc(5) describes `/proc/PID/stat`. The name of the program may have blanks and brackets.
    init?(stat: String, ticksPerSecond: Int, pageBytes: Int) {
        guard let name = stat.lastIndex(of: ")") else { return nil }
        // The first is field 3 of the manual.
        let fields = stat[stat.index(after: name)...].split(separator: " ").map { UInt64($0) }
        guard fields.count > 21, let user = fields[11], let system = fields[12], let start = fields[19],
            let virtual = fields[20], let pages = fields[21]
        else { return nil }
        cpuSeconds = Double(user + system) / Double(ticksPerSecond)
        startedAfterBoot = Double(start) / Double(ticksPerSecond)
        virtualBytes = virtual
        residentBytes = pages * UInt64(pageBytes)
    }

    /// Records the figures of this process.
    static func record() {
        guard let figures = ProcessFigures() else { return }
        Gauge(label: "process_resident_memory_bytes").record(figures.residentBytes)
        Gauge(label: "process_virtual_memory_bytes").record(figures.virtualBytes)
        Meter(label: "process_cpu_seconds_total").set(figures.cpuSeconds)
        if let boot = bootTime { Gauge(label: "process_start_time_seconds").record(boot + figures.startedAfterBoot) }
        if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            Gauge(label: "process_open_fds").record(files)
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            Gauge(label: "process_max_fds").record(limit.rlim_cur)
        }
    }

    /// When the machine started, in seconds since 1970.
    private static let bootTime = ProcFile.text("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        .flatMap { Double($0.dropFirst("btime ".count)) }
}

// How busy the worker's machine is, with the work of others, as Linux tells it under /proc.

import AnalysisAPI
import Daemon
import Foundation

extension MachineLoad {
    /// What the machine is at now; nil where it does not tell.
    static func now() -> MachineLoad? {
        MachineLoad(
            loadavg: ProcFile.text("/proc/loadavg"), meminfo: ProcFile.text("/proc/meminfo"),
            cores: ProcessInfo.processInfo.activeProcessorCount)
    }

    /// - Parameters:
    ///   - loadavg: its first field is the load of the last minute (proc_loadavg(5)).
    ///   - meminfo: `MemAvailable` is what new programs could have without swapping (proc_meminfo(5)).
    init?(loadavg: String, meminfo: String, cores: Int) {
        func kibibytes(_ name: String) -> Double? {
            meminfo.split(separator: "\n").first { $0.hasPrefix("\(name):") }?
                .split(separator: " ").dropFirst().first.flatMap { Double($0) }
        }
        guard let load = loadavg.split(separator: " ").first.flatMap({ Double($0) }), cores > 0,
            let available = kibibytes("MemAvailable"), let total = kibibytes("MemTotal"), total > 0
        else { return nil }
        self.init(loadPerCore: load / Double(cores), memoryAvailable: available / total)
    }
}

// What a worker tells of its machine.

import AnalysisAPI
import Glibc
import Testing

@testable import AnalysisWorker

@Suite struct MachineLoadTests {
    static let meminfo = "MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:    2000000 kB\n"

    @Test func theLoadIsThatOfACoreAndTheMemoryAShare() {
        let machine = MachineLoad(loadavg: "3.00 1.50 0.20 2/345 6789\n", meminfo: Self.meminfo, cores: 4)
        #expect(machine == MachineLoad(loadPerCore: 0.75, memoryAvailable: 0.25))
    }

    @Test func whatTheMachineDoesNotTellIsNotMadeUp() {
        #expect(MachineLoad(loadavg: "", meminfo: Self.meminfo, cores: 4) == nil)
        #expect(MachineLoad(loadavg: "3.00 1.50 0.20", meminfo: "MemTotal: 8000000 kB\n", cores: 4) == nil)
    }

    @Test func thisMachineTells() throws {
        let machine = try #require(MachineLoad.now())
        #expect(machine.loadPerCore >= 0 && machine.memoryAvailable > 0 && machine.memoryAvailable <= 1)
    }

    @Test func lookingAtProcessesAgainAndAgainKeepsNoMemory() throws {
        func look() -> UInt64 { ProcessMemory.residentBytes(of: getpid()) }
        for _ in 0..<100 { _ = look() }
        let before = look()
        try #require(before > 0)
        for _ in 0..<10_000 { _ = look() }
        let after = look()
        #expect(after < before + 16 << 20, "\(before) bytes, then \(after)")
    }
}

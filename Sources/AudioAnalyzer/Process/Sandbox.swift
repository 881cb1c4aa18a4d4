// Gives up what the process does not need before it opens media that anyone may have made.
import CAudio
import Glibc

enum Sandbox {
    /// Gives up new privileges, core dumps, and by Landlock all writing to files, running of programs and TCP. Where the
    /// kernel has no Landlock the rest holds. To be called before there is a second thread.
    static func enter() {
        _ = caudio_prctl(PR_SET_NO_NEW_PRIVS, 1)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        signal(SIGPIPE, SIG_IGN)
        av_log_set_level(AV_LOG_QUIET)
        denyAllButReading()
    }

    /// Has the kernel kill this process, running or stopped, with the thread that started it.
    static func dieWithParent() { _ = caudio_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL)) }

    /// The system calls and rights of linux/landlock.h, which the C library does not wrap. Numbers are the same everywhere.
    private static func denyAllButReading() {
        let createRuleset = 444
        let restrictSelf = 446
        let askForVersion = 1
        let version = caudio_syscall(createRuleset, 0, 0, askForVersion)
        guard version >= 1 else { return }
        // Bits 0 to 12 without reading files (2) and folders (3); later versions add renaming (13) and truncating (14).
        var fileRights: UInt64 = 0x1fff & ~0b1100
        if version >= 2 { fileRights |= 1 << 13 }
        if version >= 3 { fileRights |= 1 << 14 }
        // Binding and connecting.
        let networkRights: UInt64 = version >= 4 ? 0b11 : 0
        let handled = [fileRights, networkRights]
        let ruleset = handled.withUnsafeBytes { bytes in
            caudio_syscall(createRuleset, Int(bitPattern: bytes.baseAddress), version >= 4 ? 16 : 8, 0)
        }
        guard ruleset >= 0 else { return }
        _ = caudio_syscall(restrictSelf, ruleset, 0, 0)
        close(Int32(ruleset))
    }
}

// The process of a child: how it is started, how bytes go in and out of it, and what its end is called.

import AnalysisAPI
import Glibc
import Logging
import RPC
import Subprocess
import Synchronization
import SystemPackage

extension Child {
    /// Runs the process to its end.
    func hostedProcess() async -> Ending {
        var options = PlatformOptions()
        // A group of its own in the worker's session: with a session of its own, a frozen child would stay so for ever when
        // the worker is killed.
        options.processGroupID = 0
        let lines = LastLine()
        do {
            let result = try await Subprocess.run(
                .path(FilePath(analyzer.executable)), arguments: Arguments(analyzer.arguments),
                platformOptions: options, input: .inputWriter,
                output: .sequence, error: .sequence
            ) { execution in
                try await converse(execution, lines)
            }
            return ending(after: result.terminationStatus, lastLine: lines.text)
        } catch {
            let started = state.withLock { $0.ending }
            return started ?? Ending(kind: .crashed, reason: "The analyzer '\(analyzer.name)' does not start: \(error)")
        }
    }

    private func converse(
        _ execution: Execution<CustomWriteInput, SequenceOutput, SequenceOutput>, _ lines: LastLine
    ) async throws {
        let group = execution.processIdentifier.value
        await guardian.watch(group)
        state.withLock { state in
            state.group = group
            state.silence.start(at: .now)
            // It may have been told to end before it had begun.
            if state.ending != nil { Self.signal(SIGKILL, to: group) }
        }
        do {
            try configuration.limits.apply(to: group)
        } catch {
            logger.warning("the limits of an analyzer cannot be set", metadata: ["error": "\(error)"])
        }
        // A lease from the first moment on: the worker may stand still before it pings again.
        send(ping)
        await withTaskGroup { tasks in
            tasks.addTask { await self.write(to: execution.standardInputWriter) }
            tasks.addTask { await self.watch() }
            async let log: Void = self.log(execution.standardError, pid: group, lines)
            await read(execution.standardOutput)
            state.withLock { state in
                Self.signal(SIGKILL, to: state.group)
                state.group = nil
            }
            await log
            tasks.cancelAll()
        }
        await guardian.forget(group)
    }

    private func read(_ output: SubprocessOutputSequence) async {
        var frames = FrameDecoder()
        do {
            for try await chunk in output {
                chunk.withUnsafeBytes { frames.append($0) }
                while let reply = try frames.next() { await heard(reply) }
            }
        } catch let error as RPCError {
            violated(error.detail)
        } catch {
            violated("its output cannot be read: \(error)")
        }
    }

    private func write(to stdin: StandardInputWriter) async {
        for await item in outgoing {
            switch item {
            case .frame(let bytes):
                // A child that does not take it is about to end, and its end is told.
                _ = try? await stdin.write(bytes)
                state.withLock { $0.unwritten -= 1 }
            case .continue:
                state.withLock { state in
                    if !state.isFrozen { Self.signal(SIGCONT, to: state.group) }
                }
            }
        }
    }

    /// Pings a child that is not frozen, and ends one that is silent for too long.
    private func watch() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: min(configuration.pingInterval, configuration.silence))
            let (isFrozen, activity, silence) = state.withLock { state in
                (state.isFrozen, state.activity, state.silence.elapsed(at: .now))
            }
            if !isFrozen { send(ping) }
            switch activity {
            case .starting where silence > configuration.start:
                end(
                    Ending(
                        kind: .timedOut,
                        reason: "The analyzer '\(analyzer.name)' was not ready in \(configuration.start)."))
            case .analyzing where silence > configuration.silence, .probing where silence > configuration.silence:
                let reason = "The analyzer '\(analyzer.name)' made no progress for \(configuration.silence)."
                end(Ending(kind: .timedOut, reason: reason))
            case .starting, .idle, .analyzing, .probing:
                break
            }
        }
    }

    private func log(_ output: SubprocessOutputSequence, pid: pid_t, _ last: LastLine) async {
        var lines = LineSplitter()
        do {
            for try await chunk in output {
                for line in chunk.withUnsafeBytes({ lines.append($0) }) {
                    last.text = line
                    var metadata: Logger.Metadata = ["analyzer": "\(analyzer.name)", "pid": "\(pid)"]
                    let (song, trace) = state.withLock { ($0.songID, $0.traceID) }
                    if !song.isEmpty { metadata["song_id"] = "\(song)" }
                    if !trace.isEmpty { metadata["trace_id"] = "\(trace)" }
                    logger.info("\(line)", metadata: metadata)
                }
            }
        } catch {
            logger.debug("an analyzer's log cannot be read", metadata: ["error": "\(error)"])
        }
    }

    private func ending(after status: TerminationStatus, lastLine: String) -> Ending {
        if let known = state.withLock({ $0.ending }) { return known }
        let said = lastLine.isEmpty ? "" : " It last said: \(lastLine)"
        let limits = configuration.limits
        let (kind, what): (FailureKind, String) =
            switch status {
            case .signaled(SIGXCPU): (.limit, "used more than \(limits.cpuSeconds) seconds of CPU time")
            case .signaled(SIGXFSZ): (.limit, "wrote a file of more than \(limits.fileBytes) bytes")
            case .signaled(SIGKILL): (.limit, "was killed by the system, which does so when memory runs out")
            case .signaled(let signal): (.crashed, "crashed: \(String(cString: strsignal(signal)))")
            case .exited(let code): (.crashed, "ended with code \(code) without a result")
            }
        return Ending(kind: kind, reason: "The analyzer '\(analyzer.name)' \(what).\(said)")
    }
}

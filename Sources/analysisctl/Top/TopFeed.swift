// Where `analysisctl top` has its figures from, and what tells it that they have changed.

import AnalysisAPI
import Foundation
import RPC
import Synchronization

final class TopFeed: Sendable {
    private let queue: QueueClient
    private let progress: ProgressClient
    private let options: CallOptions
    private let known = Mutex<(views: [String: ProgressView], running: [String], problem: String?)>(([:], [], nil))

    init(queue: RPCClient, progress: RPCClient, options: CallOptions) {
        (self.queue, self.progress, self.options) = (QueueClient(queue), ProgressClient(progress), options)
    }

    /// Why a service cannot be asked; nil: it can.
    var problem: String? { known.withLock(\.problem) }

    /// Asks for what is shown.
    func refresh(_ screen: inout TopScreen) async throws {
        do {
            screen.status = try await queue.getStatus(QueueStatusRequest(), options: options)
            known.withLock { $0.problem = nil }
        } catch let error as RPCError {
            known.withLock { $0.problem = error.detail }
            throw error
        }
        screen.now = Int64(Date.now.timeIntervalSince1970 * 1000)
        let running = screen.status.running.map(\.id)
        let missing = known.withLock { known in
            known.running = running
            known.views = known.views.filter { running.contains($0.key) }
            return running.filter { known.views[$0] == nil }
        }
        for id in missing {
            let request = ProgressRequest(context: ProgressContext(context: .jobID(id)))
            if let view = try? await progress.get(request, options: options) { note(view) }
        }
        screen.views = known.withLock(\.views)
    }

    /// Tells of each change until the task is cancelled: of the queue by its event log, of what runs by its progress, and every
    /// second by the clock, for workers that fell silent.
    func follow(_ changed: @escaping @Sendable () -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.lasting {
                    for try await _ in self.queue.follow(FollowRequest()) { changed() }
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    changed()
                    try? await Task.sleep(for: .seconds(1))
                }
            }
            group.addTask { await self.lasting { try await self.watchRunning(changed) } }
        }
    }

    /// Watches what runs, until something else does.
    private func watchRunning(_ changed: @escaping @Sendable () -> Void) async throws {
        let running = known.withLock(\.running)
        guard !running.isEmpty else { return try await Task.sleep(for: .milliseconds(200)) }
        let contexts = running.map { ProgressContext(context: .jobID($0)) }
        for try await view in progress.watch(WatchRequest(contexts: contexts)) {
            note(view)
            changed()
            if known.withLock({ $0.running != running }) { return }
        }
    }

    private func note(_ view: ProgressView) {
        guard let id = view.job?.id else { return }
        known.withLock { $0.views[id] = view }
    }

    /// Begins again what broke off, as it does where a service is started anew.
    private func lasting(_ body: () async throws -> Void) async {
        while !Task.isCancelled {
            do {
                try await body()
            } catch {
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}

import NIOCore
import Synchronization

/// Runs tasks on an event loop. What becomes ready in one tick runs in one piece, so that its commands are written with one flush.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop
    private let ready = Mutex<[UnownedJob]>([])

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = ready.withLock { ready in
            ready.append(job)
            return ready.count == 1
        }
        if isFirst { eventLoop.execute { self.run() } }
    }

    private func run() {
        let jobs = ready.withLock { ready in
            let jobs = ready
            ready = []
            ready.reserveCapacity(jobs.count)
            return jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}

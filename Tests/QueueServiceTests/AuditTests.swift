// What is promised about the audit log: who did what with whose, and how it ended; never a secret.

import AnalysisAPI
import Daemon
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct AuditTests {
    /// As the gateway calls for somebody who is signed in.
    private static func by(_ name: String) -> CallOptions { CallOptions(metadata: [CallContext.actorKey: name]) }

    @Test func whatAdministratorsDoIsWrittenDown() async throws {
        try await withServingQueue { queue in
            let ada = Self.by("ada")
            let pause = PauseQueueRequest(reason: "new disks", seconds: 60)
            _ = try await queue.queue.pauseQueue(pause, options: ada)
            let password = SetPasswordRequest(userID: "u", password: "a secret of theirs")
            _ = try await queue.catalog.setPassword(password, options: ada)
            _ = await Result { try await queue.queue.cancelJob(JobRequest(jobID: "0-99"), options: ada) }

            let entries = try await queue.audit.listAuditEntries(ListAuditEntriesRequest()).entries
            #expect(entries.prefix(3).map(\.actor) == ["ada", "ada", "ada"])
            #expect(
                entries.prefix(3).map { $0.action.split(separator: "/").last } == [
                    "CancelJob", "SetPassword", "PauseQueue",
                ])
            #expect(entries.prefix(3).map(\.outcome) == ["NOT_FOUND", "OK", "OK"])
            #expect(entries[0].target == "0-99" && entries[0].error.contains("0-99"))
            #expect(entries[1].userID == "u" && entries[2].detail == "new disks, for 60 s")
            #expect(!entries.contains { "\($0)".contains("secret of theirs") })
            // The fill of the test made the user, without anybody signed in.
            #expect(entries.last?.userID == "u" && entries.last?.actor.contains("user id") == true)
        }
    }

    @Test func changesOfTheLogLevelAreToo() async throws {
        try await withServingQueue { queue in
            let request = SetLogLevelRequest(level: .unspecified, seconds: 60)
            _ = try await OperationsClient(queue.client).setLogLevel(request, options: Self.by("ada"))
            let entry = try await queue.audit.listAuditEntries(ListAuditEntriesRequest()).entries.first
            #expect(entry?.actor == "ada" && entry?.action == "analysis.v1.Operations/SetLogLevel")
            #expect(entry?.detail == "as it was started, for 60 s" && entry?.outcome == "OK")
        }
    }

    @Test func whatUsersDoWithWhatIsTheirsIsNot() async throws {
        try await withServingQueue { queue in
            let before = try await queue.audit.listAuditEntries(ListAuditEntriesRequest()).entries.count
            _ = try await queue.catalog.setPreferences(
                SetPreferencesRequest(userID: "u", preferences: Preferences()), options: Self.by("u"))
            let job = try #require(try await queue.enqueue(.song, "s1").job)
            _ = try await queue.queue.cancelJob(JobRequest(userID: "u", jobID: job.id), options: Self.by("u"))
            #expect(try await queue.audit.listAuditEntries(ListAuditEntriesRequest()).entries.count == before)
        }
    }

    @Test func pagesShowEveryEntryOnceAndOnesOwnWhereThatIsAskedFor() async throws {
        try await withServingQueue { queue in
            for number in 0..<25 {
                _ = try await queue.queue.resumeQueue(
                    ResumeQueueRequest(reason: "\(number)"), options: Self.by(number.isMultiple(of: 5) ? "ada" : "bob"))
            }
            var request = ListAuditEntriesRequest(limit: 4)
            var seen: [String] = []
            repeat {
                let page = try await queue.audit.listAuditEntries(request)
                seen += page.entries.map(\.detail)
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(Array(seen.prefix(25)) == (0..<25).reversed().map(String.init))
            let own = try await queue.audit.listAuditEntries(ListAuditEntriesRequest(userID: "ada"))
            #expect(own.entries.map(\.detail) == ["20", "15", "10", "5", "0"])
            #expect(try await queue.audit.listAuditEntries(ListAuditEntriesRequest(untilMs: .min)).entries == [])
            let wrong =
                await Result {
                    try await queue.audit.listAuditEntries(ListAuditEntriesRequest(pageToken: "nonsense"))
                }.failure as? RPCError
            #expect(wrong?.code == .invalidArgument)
        }
    }

    @Test func entriesAreKeptForTheirTime() async throws {
        try await withStore { store in
            let log = AuditLog(store: store, keep: .seconds(60), logger: .quiet)
            let old = AuditEntry(id: "1-a", atMs: .now - 61_000, actor: "ada", action: "old")
            try await store.send("ZADD", store.keys.audit, old.atMs, old.stored)
            #expect(try await log.list(ListAuditEntriesRequest()).entries.count == 1)
            await log.note(AuditEntry(actor: "ada", action: "late"))
            #expect(try await log.list(ListAuditEntriesRequest()).entries.map(\.action) == ["late"])
        }
    }
}

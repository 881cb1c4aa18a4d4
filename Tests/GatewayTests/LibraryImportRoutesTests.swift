// A library that the web app brings, and takes away.

import AnalysisAPI
import HTTPTypes
import NIOCore
import RPC
import Testing

@testable import Gateway

@Suite struct LibraryImportRoutesTests {
    private func put(_ path: String, _ json: String, _ gateway: GatewayUnderTest) async throws -> Answer {
        try await gateway.send(
            path, .put, headers: [.cookie: GatewayUnderTest.cookie, .contentType: "application/json"],
            body: ByteBuffer(string: json))
    }

    @Test func songsComeAsTheWebAppKnowsThem() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.upsertLibrary = { request in
                    #expect(
                        request
                            == UpsertLibraryRequest(
                                userID: "demo",
                                songs: [
                                    Song(
                                        id: "17", title: "Run", artist: "Band", album: "One", durationMs: 214_000,
                                        location: "a/b.flac",
                                        attributes: [
                                            Attribute(name: "lyrics", value: "la"),
                                            Attribute(name: "year", value: "1999"),
                                        ]),
                                    Song(id: "s2"),
                                ]))
                    return UpsertLibraryReply(songsAdded: 1, songsChanged: 1)
                }
            }
            let answer = try await put(
                "/api/library/songs",
                #"""
                {"songs":[{"id":17,"name":"Run","artist":"Band","album":"One","duration_ms":214000,"location":"a/b.flac",
                "attributes":{"year":"1999","lyrics":"la"}},{"id":"s2"}]}
                """#, gateway)
            #expect(
                try answer.json == [
                    "success": true, "status": "success", "message": "Library updated", "songs_added": 1,
                    "songs_changed": 1, "playlists_changed": 0,
                ])
        }
    }

    @Test(arguments: [
        ("/api/library/playlists/p1", #"{"name":"Run","song_ids":[17,"s2"]}"#),
        ("/api/library/playlists", #"{"playlists":[{"id":"p1","name":"Run","song_ids":[17,"s2"]}]}"#),
    ])
    func playlistsComeAloneOrTogether(path: String, json: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.upsertLibrary = { request in
                    #expect(
                        request
                            == UpsertLibraryRequest(
                                userID: "demo",
                                playlists: [PlaylistContent(id: "p1", name: "Run", songIds: ["17", "s2"])]))
                    return UpsertLibraryReply(playlistsChanged: 1)
                }
            }
            #expect(try await put(path, json, gateway).json["playlists_changed"] == 1)
        }
    }

    @Test(arguments: [
        (#"{}"#, #"The body lacks the member "songs"."#),
        (#"{"songs":[{"name":"x"}]}"#, #"The body lacks the member "songs[0].id"."#),
        (
            #"{"songs":[{"id":"x","duration_ms":"long"}]}"#,
            #"The member "songs[0].duration_ms" must be of type UInt64."#
        ),
        (#"{"songs":[{"id":""}]}"#, #"The member "songs[0].id" is wrong: an identifier is not empty."#),
        ("", "The body is missing."),
    ])
    func whatIsWrongIsNamed(json: String, message: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await put("/api/library/songs", json, gateway)
            #expect(answer.status == 400)
            #expect(try answer.json["message"] == .string(message))
        }
    }

    @Test func aLibraryMayBeLargerThanOtherBodies() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.upsertLibrary = { request in UpsertLibraryReply(songsAdded: UInt32(request.songs.count)) }
            }
            func songs(_ count: Int) -> String {
                let songs = (0..<count).map { #"{"id":\#($0),"name":"\#(String(repeating: "x", count: 390))"}"# }
                return #"{"songs":[\#(songs.joined(separator: ","))]}"#
            }
            #expect(try await put("/api/library/songs", songs(9_000), gateway).json["songs_added"] == 9_000)
            let answer = try await put("/api/library/songs", songs(11_000), gateway)
            #expect(answer.status == 413)
            #expect(try answer.json["message"] == "The body is too large; at most 4194304 bytes are taken.")
        }
    }

    @Test func whatIsRemovedIsCountedAndWhatWasNotThereIsNotFound() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.removeSongs = { RemovedReply(removed: UInt32($0.songIds.count { $0 == "17" }), cancelledJobs: 1) }
                $0.removePlaylists = { RemovedReply(removed: UInt32($0.playlistIds.count { $0 == "p1" })) }
            }
            func delete(_ path: String) async throws -> Answer {
                try await gateway.send(path, .delete, headers: [.cookie: GatewayUnderTest.cookie])
            }
            let answer = try await delete("/api/library/songs/17")
            #expect(
                try answer.json == [
                    "success": true, "status": "success", "message": "Removed", "removed": 1, "cancelled_jobs": 1,
                ])
            #expect(try await delete("/api/library/songs/18").status == 404)
            #expect(try await delete("/api/library/playlists/p1").status == 200)
            #expect(try await delete("/api/library/playlists/p2").status == 404)
            let many = try await gateway.post("/api/library/songs/remove", json: #"{"song_ids":[17,18]}"#)
            #expect(try many.json["removed"] == 1)
        }
    }
}

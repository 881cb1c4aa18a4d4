// Playlists, songs, search and statistics, row by row of the contract.

import AnalysisAPI
import RPC
import Testing

@testable import Gateway

@Suite struct LibraryRoutesTests {
    private static let analysed = SongSummary(
        song: Song(id: "11", title: "Run", artist: "Band", album: "One", durationMs: 214_000), state: .analysed,
        analysedAtMs: 2_000,
        highlightsJson: Array(
            #"{"score":87.5,"concern_level":"medium","themes":["hope"],"bpm":123.4,"key":"A minor","loudness":-14.2}"#
                .utf8))
    private static let failed = SongSummary(
        song: Song(id: "s2", title: "<b>Broken</b>"), state: .failed, failure: "The file is empty")

    @Test func playlistsTellTheirCoverage() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.listPlaylists = { _ in
                    ListPlaylistsReply(playlists: [
                        Playlist(
                            id: "5", name: "Run", addedAtMs: 1_000, songCount: 8, analysedCount: 3,
                            lastAnalysedAtMs: 2_000),
                        Playlist(id: "p6", name: "Empty", description: "Nothing yet"),
                    ])
                }
            }
            #expect(
                try await gateway.get("/api/playlists").json == [
                    "playlists": [
                        [
                            "id": 5, "name": "Run", "description": nil, "song_count": 8, "analyzed_count": 3,
                            "analysis_progress": 37.5, "image_url": nil, "score": nil,
                            "last_analyzed": "1970-01-01T00:00:02.000Z", "added_at": "1970-01-01T00:00:01.000Z",
                        ],
                        [
                            "id": "p6", "name": "Empty", "description": "Nothing yet", "song_count": 0,
                            "analyzed_count": 0,
                            "analysis_progress": 0, "image_url": nil, "score": nil, "last_analyzed": nil,
                            "added_at": nil,
                        ],
                    ]
                ])
        }
    }

    @Test func songsComeInPlaylistOrder() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.getPlaylist = { request in
                    #expect(request == PlaylistRequest(userID: "demo", playlistID: "5"))
                    return PlaylistDetail(
                        playlist: Playlist(id: "5", name: "Run"), songs: [Self.analysed, Self.failed])
                }
            }
            #expect(
                try await gateway.get("/api/playlist/5/songs").json == [
                    "playlist": ["id": 5, "name": "Run", "description": nil],
                    "songs": [
                        [
                            "id": 11, "name": "Run", "artist": "Band", "album": "One", "duration_ms": 214000,
                            "position": 1,
                            "analysis_status": "completed", "analysis_score": 87.5, "concern_level": "medium",
                            "detected_themes": ["hope"], "analysis_date": "1970-01-01T00:00:02.000Z",
                            "tempo_bpm": 123.4,
                            "key": "A minor", "loudness_lufs": -14.2, "failure": nil,
                        ],
                        [
                            "id": "s2", "name": "<b>Broken</b>", "artist": "", "album": "", "duration_ms": nil,
                            "position": 2,
                            "analysis_status": "failed", "analysis_score": nil, "concern_level": nil,
                            "detected_themes": [],
                            "analysis_date": nil, "tempo_bpm": nil, "key": nil, "loudness_lufs": nil,
                            "failure": "The file is empty",
                        ],
                    ],
                ])
        }
    }

    @Test func whatTheAnalyzerWroteIsPassedOnByteForByte() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let written = #"{"z":1.0,"a":[-0.50,1e3],"score":90,"text":"\u00fc / \"quoted\""}"#
            let other = #"{"b":2,"a":1}"#
            gateway.catalog.set {
                $0.getSong = { _ in
                    SongDetail(
                        summary: Self.analysed,
                        results: [
                            AnalysisResult(
                                analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array(written.utf8),
                                tookMs: 5,
                                createdAtMs: 3_000),
                            AnalysisResult(
                                analyzer: AnalyzerVersion(name: "mood", version: "2"), json: Array(other.utf8),
                                tookMs: 6),
                        ],
                        twins: [
                            SongTwin(
                                song: Song(id: "12", title: "Run (MP3)", artist: "Band"), bitErrorRate: 0.05,
                                identical: true)
                        ])
                }
            }
            let answer = try await gateway.get("/api/song/11/analysis")
            #expect(answer.text.contains("\"analysis_details\":\(written)"))
            #expect(answer.text.contains("\"details\":\(other)"))
            #expect(
                try answer.json["song"] == [
                    "id": 11, "name": "Run", "artist": "Band", "album": "One", "duration_ms": 214000, "location": nil,
                    "added_at": nil, "attributes": [:],
                ])
            #expect(
                try answer.json["analysis"]?.without("analysis_details") == [
                    "status": "completed", "score": 90, "concern_level": nil, "themes": [], "explanation": nil,
                    "created_at": "1970-01-01T00:00:03.000Z", "concerns": [], "failure": nil,
                    "further_results": [
                        [
                            "analyzer": "mood", "version": "2", "took_ms": 6, "created_at": nil,
                            "details": ["b": 2, "a": 1],
                        ]
                    ],
                    "twins": [
                        [
                            "id": 12, "name": "Run (MP3)", "artist": "Band", "album": "", "bit_error_rate": 0.05,
                            "identical": true,
                        ]
                    ],
                ])
        }
    }

    @Test func aResultThatIsNoObjectIsNull() async throws {
        #expect(RawJSON(object: Array("[1]".utf8)) == nil)
        #expect(RawJSON(object: Array(#"{"a":1}, "b": 2"#.utf8)) == nil)
        #expect(RawJSON(object: []) == nil)
        #expect(RawJSON(object: Array("{}".utf8)) != nil)
    }

    @Test func aSongWithoutResultHasNullAnalysis() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.getSong = { _ in
                    SongDetail(summary: SongSummary(song: Song(id: "s3", title: "New"), state: .notAnalysed))
                }
            }
            #expect(try await gateway.get("/api/song/s3/analysis").json["analysis"] == .null)
            gateway.catalog.set { $0.getSong = { _ in SongDetail(summary: Self.failed) } }
            let analysis = try await gateway.get("/api/song/s2/analysis").json["analysis"]
            #expect(analysis?["status"] == "failed" && analysis?["failure"] == "The file is empty")
        }
    }

    @Test func searchFindsAtMostTwentyAndNothingForNothing() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.searchSongs = { request in
                    #expect(request == SearchSongsRequest(userID: "demo", query: "run & hide", limit: 20))
                    return SearchSongsReply(songs: [Self.analysed])
                }
            }
            #expect(
                try await gateway.get("/api/search_songs?q=run%20%26+hide").json == [
                    "songs": [
                        [
                            "id": 11, "name": "Run", "artist": "Band", "album": "One", "analysis_status": "completed",
                            "concern_level": "medium",
                        ]
                    ]
                ])
            #expect(try await gateway.get("/api/search_songs?q=%20").json == ["songs": []])
            #expect(try await gateway.get("/api/search_songs").json == ["songs": []])
        }
    }

    @Test func statisticsCountEverySongOnce() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.getCoverage = { _ in Coverage(total: 3, analysed: 1, failed: 1, playlists: 2) }
                $0.listPlaylists = { _ in ListPlaylistsReply(playlists: [Playlist(id: "5"), Playlist(id: "p6")]) }
                $0.getPlaylist = { _ in PlaylistDetail(songs: [Self.analysed, Self.failed]) }
            }
            #expect(
                try await gateway.get("/api/stats").json == [
                    "total_playlists": 2, "total_songs": 3, "analyzed_songs": 1, "failed_songs": 1,
                    "analysis_progress": 33.3, "concern_levels": ["low": 0, "medium": 1, "high": 0], "flagged_songs": 1,
                ])
        }
    }

    @Test func theSyncStatusTellsWhenTheLibraryLastGrew() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.listPlaylists = { _ in
                    ListPlaylistsReply(playlists: [
                        Playlist(id: "1", addedAtMs: 1_000), Playlist(id: "2", addedAtMs: 4_000),
                    ])
                }
            }
            let body = try await gateway.get("/api/sync-status").json
            #expect(body["timestamp"]?.isTimestamp == true)
            #expect(
                body.without("timestamp") == [
                    "status": "success", "total_playlists": 2, "sync_active": false,
                    "last_sync": "1970-01-01T00:00:04.000Z",
                ])
        }
    }
}

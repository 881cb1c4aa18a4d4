// The files of the page, as a browser gets and keeps them.

import HTTPTypes
import Testing

@testable import Gateway

@Suite struct StaticFilesTests {
    @Test func thePageIsAskedForAnewAndComesOnce() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let page = try await gateway.send("/", .get)
            #expect(page.status == 200 && page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(page.headers[.cacheControl] == "no-cache")
            let etag = try #require(page.headers[.eTag])
            let again = try await gateway.send("/", .get, headers: [.ifNoneMatch: etag])
            #expect(again.status == 304 && again.text.isEmpty)
        }
    }

    @Test func everyOtherFileIsKeptForeverUnderTheVersionOfThePage() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            for (name, bytes) in StaticFiles.assets {
                let answer = try await gateway.send(StaticFiles.path(of: name), .get)
                #expect(answer.status == 200 && Array(answer.text.utf8) == bytes)
                #expect(answer.headers[.cacheControl]?.contains("immutable") == true)
                #expect(answer.headers[.contentType] != "application/octet-stream")
            }
            #expect(try await gateway.send("/assets/0123456789abcdef/app.js", .get).status == 404)
        }
    }

    /// The page loads nothing that the binary does not hold, and nothing from elsewhere.
    @Test func thePageNamesOnlyFilesThatAreServed() async throws {
        let names = Set(StaticFiles.assets.map(\.name))
        let page = String(decoding: StaticFiles.page, as: UTF8.self)
        for match in page.matches(of: /(?:src|href)="(?:\/assets\/\{version\}\/)?([^"#]+)"/) {
            #expect(names.contains(String(match.output.1)), "the page names \(match.output.1)")
        }
        for (name, bytes) in StaticFiles.assets where name.hasSuffix(".js") {
            let text = String(decoding: bytes, as: UTF8.self)
            for match in text.matches(of: /(?:from|import\(?)\s*"([^"]+)"/) {
                #expect(match.output.1.hasPrefix("./"), "\(name) imports \(match.output.1)")
                #expect(names.contains(String(match.output.1.dropFirst(2))), "\(name) imports \(match.output.1)")
            }
        }
    }

    @Test func whatTheFirstViewNeedsIsUnder150KB() {
        let page = String(decoding: StaticFiles.page, as: UTF8.self)
        let first = StaticFiles.assets.filter { page.contains("{version}/\($0.name)\"") }
        let bytes = first.reduce(StaticFiles.page.count) { $0 + $1.bytes.count }
        #expect(first.count > 10 && bytes < 150_000, "\(bytes) bytes")
    }
}

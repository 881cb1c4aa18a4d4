// How long the header of a request may take, in virtual time.

import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Gateway

@Suite struct HeaderTimeoutTests {
    private static func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
        try HeaderTimeout(.seconds(10)).add(to: channel.pipeline.syncOperations)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/none")).wait()
        return channel
    }

    private static func receive(_ text: String, on channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(string: text))
    }

    @Test func whoSendsAHeaderByteByByteIsLeft() throws {
        let channel = try Self.connection()
        for byte in "GET / HTTP" {
            #expect(channel.isActive)
            try Self.receive(String(byte), on: channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        }
        #expect(!channel.isActive)
    }

    @Test func whoHasNotBegunMayWait() throws {
        let channel = try Self.connection()
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        try Self.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n", on: channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
    }

    @Test func aBodyMayTakeItsTimeAndTheNextHeaderHasItsOwn() throws {
        let channel = try Self.connection()
        try Self.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", on: channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(20))
        try Self.receive("{", on: channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(20))
        try Self.receive("}", on: channel)
        #expect(channel.isActive)
        try Self.receive("GET /", on: channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }
}

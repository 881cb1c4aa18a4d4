// The building blocks of answers.

import Foundation
import NIOCore
import Testing

@testable import Gateway

@Suite struct JSONValuesTests {
    private func encoded(_ value: some Encodable) throws -> String {
        String(buffer: try JSONBody.encode(["v": value]))
    }

    @Test(arguments: [
        ("17", "17"), ("0", "0"), ("007", #""007""#), ("p1", #""p1""#), ("-4", #""-4""#), ("+4", #""+4""#),
        ("1.5", #""1.5""#),
        ("9007199254740991", "9007199254740991"), ("9007199254740992", #""9007199254740992""#), ("٣", #""٣""#),
    ])
    func identifiersOfDigitsAreNumbersAndComeBackAsTheyWere(text: String, json: String) throws {
        #expect(try encoded(Identifier(text)) == #"{"v":\#(json)}"#)
    }

    @Test func nothingIsNeverLeftOut() throws {
        struct Answer: Encodable {
            @OrNull var someThing: Int?
        }
        #expect(try encoded(Answer(someThing: nil)) == #"{"v":{"some_thing":null}}"#)
        #expect(try encoded(Answer(someThing: 3)) == #"{"v":{"some_thing":3}}"#)
    }

    @Test func timestampsAreUTCWithMilliseconds() throws {
        #expect(try encoded(Timestamp(1_706_720_709_250)) == #"{"v":"2024-01-31T17:05:09.250Z"}"#)
        #expect(Timestamp(0) == nil)
    }

    @Test func rawObjectsAreSplicedInOrderOfTheirPlaceholders() throws {
        let raw = try (0..<12).map { try #require(RawJSON(object: Array(#"{"n":\#($0).0}"#.utf8))) }
        #expect(
            String(buffer: try JSONBody.encode(raw))
                == "[" + (0..<12).map { #"{"n":\#($0).0}"# }.joined(separator: ",") + "]")
    }

    @Test(arguments: [(0, 0), (0.625, 62.5), (0.3333, 33.3), (0.9999, 99.9), (1, 100)] as [(Double, Double)])
    func aHundredPercentIsShownOnlyWhenItIsTrue(fraction: Double, percentage: Double) {
        #expect(fraction.percentage == percentage)
    }

    @Test(arguments: [
        (0.4, "a few seconds"), (12, "about 10 seconds"), (54, "about 55 seconds"), (60, "about a minute"),
        (95, "about 2 minutes"), (5_399, "about 90 minutes"), (7_300, "about 2 hours"),
    ])
    func durationsAreSaidRoughly(seconds: Double, text: String) {
        #expect(approximateDuration(seconds: seconds) == text)
    }
}

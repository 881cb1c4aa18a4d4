// Which analyzers a song runs through, and when what they found out is still fresh.

package import AnalysisAPI

/// The enabled analyzers, in the order in which a song runs through them.
package struct Analyzers: Hashable, Sendable, CustomStringConvertible {
    package let enabled: [AnalyzerVersion]

    /// The audio analysis that comes with the product.
    package static let builtIn = Analyzers([AnalyzerVersion(name: "audio", version: "1")])

    package init(_ enabled: [AnalyzerVersion]) {
        self.enabled = enabled
    }

    /// Reads `audio@1`, or several of them in order, separated by commas or spaces.
    ///
    /// Nil where a name or a version is empty or contains anything but ASCII letters, digits, `.`, `_` and `-`, a name
    /// comes twice, or there is none at all.
    package init?(_ text: String) {
        var enabled: [AnalyzerVersion] = []
        for word in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let parts = word.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy(Self.isName), !enabled.contains(where: { $0.name == parts[0] })
            else { return nil }
            enabled.append(AnalyzerVersion(name: String(parts[0]), version: String(parts[1])))
        }
        guard !enabled.isEmpty else { return nil }
        self.init(enabled)
    }

    /// `audio@1 lyrics@3`: the form in which a song's mark of what it has results of is stored.
    package var description: String { enabled.map(\.word).joined(separator: " ") }

    /// The analyzers whose result is missing or of another version, in order.
    ///
    /// - Parameter mark: what the song has results of, as stored; empty where it has none.
    package func stale(mark: String) -> [AnalyzerVersion] {
        let words = mark.split(separator: " ")
        return enabled.filter { analyzer in !words.contains { $0 == analyzer.word } }
    }

    /// Whether a song with this mark needs no analysis.
    package func isFresh(mark: String) -> Bool { stale(mark: mark).isEmpty }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

extension AnalyzerVersion {
    /// `audio@1`
    package var word: String { "\(name)@\(version)" }
}

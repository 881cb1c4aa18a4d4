// The few figures of a result that lists of songs show, so that a list needs not read whole results.

import AnalysisAPI
import Foundation

enum Highlights {
    /// The names that a site's analyzer gives its verdict; taken over as they are.
    private static let verdict = ["score", "concern_level", "themes"]

    /// As many bytes are read faster than another thread is woken.
    private static let inlineLimit = 16_384

    /// For each result a JSON object of what its own JSON has of: score, concern_level, themes, bpm, key, loudness (LUFS). It is
    /// empty where the result is no JSON object.
    ///
    /// Large results leave the event loop.
    static func of(_ results: [AnalysisResult]) async -> [[UInt8]] {
        guard results.reduce(0, { $0 + $1.json.count }) > inlineLimit else {
            return results.map { highlights(ofJSON: $0.json) }
        }
        return await withTaskExecutorPreference(globalConcurrentExecutor) {
            results.map { highlights(ofJSON: $0.json) }
        }
    }

    /// What distributions are made of.
    struct Figures {
        let bpm: Double?
        let key: String?
        let loudness: Double?

        /// - Parameter objects: of one song's analyzers; of equal names the last counts.
        init(_ objects: [[UInt8]]) {
            let members = objects.map(decode).reduce(into: [:]) { $0.merge($1) { _, last in last } }
            bpm = members["bpm"] as? Double
            key = members["key"] as? String
            loudness = members["loudness"] as? Double
        }
    }

    /// One object of all members; of equal names the last counts.
    static func merged(_ objects: [[UInt8]]) -> [UInt8] {
        guard objects.count != 1 else { return objects[0] }
        return encode(objects.map(decode).reduce(into: [:]) { $0.merge($1) { _, last in last } })
    }

    private static func highlights(ofJSON json: [UInt8]) -> [UInt8] {
        let result = decode(json)
        var highlights = result.filter { verdict.contains($0.key) }
        highlights["bpm"] = (result["tempo"] as? [String: Any])?["bpm"]
        highlights["key"] = (result["key"] as? [String: Any])?["name"]
        highlights["loudness"] = (result["loudness"] as? [String: Any])?["integrated_lufs"]
        return encode(highlights)
    }

    private static func decode(_ json: [UInt8]) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(json))) as? [String: Any] ?? [:]
    }

    private static func encode(_ object: [String: Any]) -> [UInt8] {
        (try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])).map(Array.init)
            ?? Array("{}".utf8)
    }
}

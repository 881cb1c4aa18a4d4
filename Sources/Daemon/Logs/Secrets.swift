// Keeps passwords, tokens and cookies out of logs, whoever tries to write them.

/// What is written in the place of secrets. By the name that a value has, or by how it looks: a log must not depend on everybody who
/// writes to it having thought of it.
enum Secrets {
    static let mark = "[redacted]"

    private static let words = [
        "password", "passwd", "passphrase", "secret", "token", "cookie", "authorization", "credential", "credentials",
        "session", "apikey",
    ].map { $0.utf8.reduce(into: Letters()) { $0.append($1) } }

    /// A word of at most 16 letters as one number, which is compared without memory of its own: each line of a log has a dozen names.
    private struct Letters: Equatable {
        private var packed: UInt128 = 0

        mutating func append(_ letter: UInt8) { packed = packed << 8 | UInt128(letter | 0x20) }
    }

    /// Whether what has this name is a secret: `session`, `set-cookie`, `user_password`.
    static func isSecret(_ name: some StringProtocol) -> Bool {
        var word = Letters()
        for byte in name.utf8 {
            switch byte | 0x20 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): word.append(byte)
            default:
                if words.contains(word) { return true }
                word = Letters()
            }
        }
        return words.contains(word)
    }

    /// Whether the text has anything by which `redacted` tells a secret. Most texts have nothing, and this is told a hundred times
    /// faster than their words are looked at.
    private static func hasSign(_ text: String) -> Bool {
        var last: UInt32 = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: ":") || byte == UInt8(ascii: "=") { return true }
            last = (last << 8 | UInt32(byte)) & 0xff_ffff
            switch last | 0x20_2020 {
            // "bea" of bearer, "bas" of basic, "eyJ" of a JSON Web Token.
            case 0x62_6561, 0x62_6173, 0x65_796a: return true
            default: break
            }
        }
        return false
    }

    /// The text without the passwords of its URLs, values such as `token=…` and `Cookie: …`, and tokens that can be told by their
    /// looks.
    static func redacted(_ text: String) -> String {
        guard hasSign(text) else { return text }
        var result = ""
        var isNext = false
        var isNamed = false
        var rest = text[...]
        while let first = rest.first {
            if isDelimiter(first) {
                result.append(first)
                rest.removeFirst()
                continue
            }
            let word = rest.prefix { !isDelimiter($0) }
            rest = rest[word.endIndex...]
            let isScheme = ["bearer", "basic"].contains(word.lowercased())
            result += isNext && !isScheme ? mark : redacted(word: word)
            // JSON has a quotation mark between a name and its colon.
            let isSign = word == ":" || word == "="
            isNext = isScheme || (isSign ? isNamed : ":=".contains(word.last ?? " ") && isSecret(word))
            isNamed = isSecret(word)
        }
        return result
    }

    private static func isDelimiter(_ letter: Character) -> Bool {
        letter.isWhitespace || "\"'`,;?&()[]{}<>".contains(letter)
    }

    private static func redacted(word: Substring) -> String {
        if word.hasPrefix("eyJ"), word.filter({ $0 == "." }).count >= 2 { return mark }  // A JSON Web Token.
        if let scheme = word.firstRange(of: "://"), let at = word.lastIndex(of: "@"), at > scheme.upperBound,
            let colon = word[scheme.upperBound..<at].firstIndex(of: ":")
        {
            return word[...colon] + mark + word[at...]
        }
        if let sign = word.firstIndex(where: { $0 == "=" || $0 == ":" }), word.index(after: sign) < word.endIndex,
            isSecret(word[..<sign])
        {
            return word[...sign] + mark
        }
        return String(word)
    }
}

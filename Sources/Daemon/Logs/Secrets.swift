// Keeps passwords, tokens and cookies out of logs, whoever tries to write them.

/// What is written in the place of secrets. By the name that a value has, or by how it looks: a log must not depend on everybody who
/// writes to it having thought of it.
enum Secrets {
    static let mark = "[redacted]"

    private static let words: Set<String> = [
        "password", "passwd", "passphrase", "secret", "token", "cookie", "authorization", "credential", "credentials",
        "session", "apikey",
    ]

    /// Whether what has this name is a secret: `session`, `set-cookie`, `user_password`.
    static func isSecret(_ name: some StringProtocol) -> Bool {
        name.lowercased().split { !$0.isLetter }.contains { words.contains(String($0)) }
    }

    /// The text without the passwords of its URLs, values such as `token=…` and `Cookie: …`, and tokens that can be told by their
    /// looks.
    static func redacted(_ text: String) -> String {
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

extension Failed {
    /// How many characters of a reason are kept. It is stored with its job, and told with every further event of it.
    private static let longestReason = 2000

    /// The same with no more of its reason than is kept: what an analyzer says may be a whole page.
    package var withShortReason: Failed {
        var failed = self
        failed.reason = String(String.UnicodeScalarView(reason.unicodeScalars.prefix(Self.longestReason)))
        return failed
    }
}

// Why a file cannot be analysed, for people.

/// The file cannot be analysed; another one may. The reason stands alone, such as "the file is empty".
struct Rejection: Error, Equatable {
    enum Kind {
        /// There is no such file.
        case missing
        /// It is not audio, or damaged.
        case unreadable
        /// It is more than this analyzer takes on.
        case limit
        /// It is not ours to open.
        case refused
    }

    let kind: Kind
    let reason: String

    static func unreadable(_ reason: String) -> Rejection { Rejection(kind: .unreadable, reason: reason) }
    static func limit(_ reason: String) -> Rejection { Rejection(kind: .limit, reason: reason) }
    static func refused(_ reason: String) -> Rejection { Rejection(kind: .refused, reason: reason) }
}

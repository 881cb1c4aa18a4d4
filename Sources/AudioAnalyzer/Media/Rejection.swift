// Why a file cannot be analysed, for people.
import AnalysisAPI

/// The file cannot be analysed; another one may. The reason stands alone, such as "the file is empty".
struct Rejection: Error, Equatable {
    let kind: RejectionKind
    let reason: String

    static func missing(_ reason: String) -> Rejection { Rejection(kind: .missing, reason: reason) }
    static func unreadable(_ reason: String) -> Rejection { Rejection(kind: .unreadable, reason: reason) }
    static func limit(_ reason: String) -> Rejection { Rejection(kind: .limit, reason: reason) }
    static func refused(_ reason: String) -> Rejection { Rejection(kind: .refused, reason: reason) }
}

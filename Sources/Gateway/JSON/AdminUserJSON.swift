// Users, as administrators see and make them.

import AnalysisAPI

enum RoleName: String, Codable, CaseIterable, Sendable, Described {
    case listener, administrator

    var role: Role {
        switch self {
        case .listener: .listener
        case .administrator: .administrator
        }
    }
}

/// Without a role, a listener is made.
struct NewUserBody: Decodable, Sendable, Limited {
    let user: String
    let password: String
    let role: RoleName?

    static let limits: [String: JSONValue] = [
        "user": ["pattern": "^[A-Za-z0-9._@+-]{1,64}$"], "password": ["minLength": 8],
    ]
}

struct RoleBody: Decodable, Sendable {
    let role: RoleName
}

struct NewPasswordBody: Decodable, Sendable, Limited {
    let password: String

    static let limits: [String: JSONValue] = ["password": ["minLength": 8]]
}

struct UsersAnswer: Answer {
    var success = true
    let users: [AccountAnswer.UserJSON]
    @OrNull var nextPageToken: String?
}

struct RemovedUserAnswer: Answer {
    var success = true
    let cancelledJobs: UInt32
}

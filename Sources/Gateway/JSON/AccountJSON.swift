// Who is signed in, and how the gateway and what stands behind it are.

import AnalysisAPI

/// Who signs in: `user`, or `name` in the web app's words.
struct LoginBody: Decodable, Sendable, Described {
    let user: String
    let password: String

    private enum Key: CodingKey { case user, name, password }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let name = container.contains(.name) ? try container.decode(String.self, forKey: .name) : nil
        user =
            if let name, !container.contains(.user) { name } else { try container.decode(String.self, forKey: .user) }
        password = try container.decode(String.self, forKey: .password)
    }

    static func schema(in schemas: inout Schemas) -> JSONValue {
        let text = schemas.schema(of: String.self)
        return [
            "type": "object", "required": ["password"], "anyOf": [["required": ["user"]], ["required": ["name"]]],
            "properties": ["user": text, "name": text, "password": text],
        ]
    }
}

/// What proves that it is oneself who asks.
struct ConfirmationBody: Decodable, Sendable {
    let password: String
}

struct AccountAnswer: Answer {
    var success = true
    let user: UserJSON

    struct UserJSON: Codable, Sendable {
        let id: Identifier
        let name: String
        let role: String
        let autoAnalysis: Bool
        @OrNull var createdAt: Timestamp?
        @OrNull var lastAnalysisAt: Timestamp?

        init(_ user: User) {
            id = Identifier(user.id)
            name = user.name.isEmpty ? user.id : user.name
            role = user.role.contractName
            autoAnalysis = user.autoAnalysis
            createdAt = Timestamp(user.createdAtMs)
            lastAnalysisAt = Timestamp(user.lastAnalysisAtMs)
        }
    }
}

/// `GET /api/session`: `null` where nobody is signed in, which is no error to ask.
struct SessionAnswer: Answer {
    var success = true
    @OrNull var user: AccountAnswer.UserJSON?
    /// What our own page sends back with each change.
    @OrNull var csrfToken: String?
    /// Whether strangers may make themselves an account.
    let registration: Bool
}

/// `POST /api/login`: also what the background analysis found to do.
struct LoginAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let user: AccountAnswer.UserJSON
    let queuedCount: UInt32
    @OrNull var jobID: String?
    let csrfToken: String
}

/// `POST /api/register`.
struct NewAccountBody: Decodable, Sendable, Limited {
    /// The name to sign in with.
    let user: String
    let password: String

    static let limits: [String: JSONValue] = [
        "user": ["pattern": "^[A-Za-z0-9._@+-]{1,64}$"], "password": ["minLength": 8, "maxLength": 1024],
    ]
}

/// `POST /api/me/password`.
struct PasswordBody: Decodable, Sendable, Limited {
    let currentPassword: String
    let password: String

    static let limits: [String: JSONValue] = ["password": ["minLength": 8, "maxLength": 1024]]
}

struct PasswordAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let csrfToken: String
}

/// `POST /api/login-events`; without a user, of who is signed in.
struct LoginEventBody: Decodable, Sendable {
    let userId: GivenIdentifier?
}

struct LoginEventAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let queuedCount: UInt32
    @OrNull var jobID: String?
}

struct DoneAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
}

struct HealthAnswer: Answer {
    /// `healthy` or `unhealthy`; `alive`; `ready` or `not ready`.
    let status: String
    let timestamp: Timestamp
    /// What is missing, for people.
    @OrNull var error: String?
    var checks: [Check]?

    struct Check: Codable, Sendable {
        let name: String
        let status: String
        let responseMs: Double
        @OrNull var error: String?
    }
}

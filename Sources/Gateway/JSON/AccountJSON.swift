// Who is signed in, and how the gateway and what stands behind it are.

import AnalysisAPI

struct LoginBody: Decodable, Sendable {
    let user: String?
    let name: String?
    let password: String
}

struct AccountAnswer: Encodable, Sendable {
    var success = true
    let user: UserJSON

    struct UserJSON: Encodable, Sendable {
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
struct SessionAnswer: Encodable, Sendable {
    var success = true
    @OrNull var user: AccountAnswer.UserJSON?
}

/// `POST /api/login`: also what the background analysis found to do.
struct LoginAnswer: Encodable, Sendable {
    var success = true
    var status = "success"
    let message: String
    let user: AccountAnswer.UserJSON
    let queuedCount: UInt32
    @OrNull var jobID: String?
}

struct DoneAnswer: Encodable, Sendable {
    var success = true
    var status = "success"
    let message: String
}

struct HealthAnswer: Encodable, Sendable {
    /// `healthy` or `unhealthy`; `alive`; `ready` or `not ready`.
    let status: String
    let timestamp: Timestamp
    /// What is missing, for people.
    @OrNull var error: String?
    var checks: [Check]?

    struct Check: Encodable, Sendable {
        let name: String
        let status: String
        let responseMs: Double
        @OrNull var error: String?
    }
}

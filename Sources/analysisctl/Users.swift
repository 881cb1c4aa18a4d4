// `analysisctl users`: who may sign in.

import AnalysisAPI
import ArgumentParser
import Foundation
import RPC

struct Users: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Users and their passwords.",
        subcommands: [
            Add.self, List.self, Password.self, Role.self, Move.self, Export.self, Remove.self,
        ])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a user.")

        @Argument(help: "The name that the user signs in with.")
        var name: String

        @Option(help: "A file that holds the password; - is standard input.")
        var passwordFile: String

        @Option(help: "listener or administrator.")
        var role: UserRole = .listener

        @Flag(help: "Sets the password of a user that exists already.")
        var update = false

        @OptionGroup var connection: Connection

        func run() async throws {
            let password = try password(in: passwordFile)
            let options = connection.options
            let user = try await connection.withQueue { [name, role, update] client in
                let catalog = CatalogClient(client)
                do {
                    let request = CreateUserRequest(id: name, password: password, role: role.value)
                    return try await catalog.createUser(request, options: options)
                } catch let error as RPCError where error.code == .alreadyExists && update {
                    let request = SetPasswordRequest(userID: name, password: password)
                    return try await catalog.setPassword(request, options: options)
                }
            }
            connection.show(user) { print($0.line) }
        }
    }
}

extension Users {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists all users.")

        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let users = try await connection.withQueue { client in
                var users: [User] = []
                var request = ListUsersRequest()
                repeat {
                    let page = try await CatalogClient(client).listUsers(request, options: options)
                    users += page.users
                    request.pageToken = page.nextPageToken
                } while !request.pageToken.isEmpty
                return users
            }
            connection.show(users) { for user in $0 { print(user.line) } }
        }
    }

    struct Password: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets the password of a user, which ends the user's sessions.")

        @Argument(help: "The user's name.")
        var name: String

        @Option(help: "A file that holds the password; - is standard input.")
        var passwordFile: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let request = SetPasswordRequest(userID: name, password: try password(in: passwordFile))
            let options = connection.options
            let user = try await connection.withQueue { client in
                try await CatalogClient(client).setPassword(request, options: options)
            }
            connection.show(user) { print($0.line) }
        }
    }

    struct Role: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Changes what a user may do.")

        @Argument(help: "The user's name.")
        var name: String

        @Argument(help: "listener or administrator.")
        var role: UserRole

        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let user = try await connection.withQueue { [name, role] client in
                try await CatalogClient(client).setRole(
                    SetRoleRequest(userID: name, role: role.value), options: options)
            }
            connection.show(user) { print($0.line) }
        }
    }

    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Moves a user with all jobs, songs, playlists and results to another lane.",
            discussion: """
                A job that runs is interrupted and goes on there from its last finished song. Until the user has arrived, which \
                takes some seconds, nothing of theirs can be changed. A move that broke off is finished by the same command.
                """)

        @Argument(help: "The user's name.")
        var name: String

        @Argument(help: "The lane, such as 1.")
        var lane: String

        @OptionGroup var connection: Connection

        func run() async throws {
            var options = connection.options
            options.timeout = nil
            let reply = try await connection.withQueue { [name, lane, options] client in
                try await MaintenanceClient(client).moveUser(
                    MoveUserRequest(userID: name, lane: lane), options: options)
            }
            connection.show(reply) { reply in
                guard !reply.fromLane.isEmpty else { return print("\(name) is in lane \(lane) already") }
                print(
                    "\(name) was moved from lane \(reply.fromLane) to lane \(lane), with \(reply.liveJobs) jobs that have not ended"
                )
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes everything that is stored of a user, as JSON Lines.",
            discussion: "One object a line, the last of the kind `end`. The password's hash is left out.")

        @Argument(help: "The user's name.")
        var name: String

        @Argument(help: "The file to make; - is standard output.")
        var file: String

        @OptionGroup var connection: Connection

        func run() async throws {
            var options = connection.options
            options.timeout = nil
            try await WholeFile(file).written { output in
                try await connection.withQueue { [name, options] client in
                    for try await part in CatalogClient(client).exportUser(UserRequest(userID: name), options: options)
                    {
                        try output.write(contentsOf: part.jsonLines)
                    }
                }
            }
            if file != "-" { print("\(name) is exported to \(file)") }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a user with all jobs, songs, playlists and results, and every trace of them.",
            discussion: """
                What runs is ended first. The audio files stay, and so do backups that were made before. What has been removed cannot \
                be brought back. In the audit log, a random name takes the place of theirs.
                """,
            aliases: ["erase"])

        @Argument(help: "The user's name.")
        var name: String

        @OptionGroup var connection: Connection

        func run() async throws {
            var options = connection.options
            options.timeout = nil
            let reply = try await connection.withQueue { [name, options] client in
                try await CatalogClient(client).removeUser(UserRequest(userID: name), options: options)
            }
            connection.show(reply) {
                print(
                    "\(name) is removed, with \($0.cancelledJobs) jobs that had not ended; the audit log calls them \($0.erasedAs)"
                )
            }
        }
    }
}

private func password(in path: String) throws -> String {
    let file = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
    guard let file, let data = try file.readToEnd(), let text = String(data: data, encoding: .utf8) else {
        throw ValidationError("--password-file: '\(path)' has no password that can be read.")
    }
    return text.trimmingCharacters(in: .newlines)
}

extension User {
    /// The user in a line, for people.
    fileprivate var line: String { "\(id), \(role == .administrator ? "administrator" : "listener")" }
}

enum UserRole: String, ExpressibleByArgument {
    case listener, administrator

    var value: AnalysisAPI.Role {
        switch self {
        case .listener: .listener
        case .administrator: .administrator
        }
    }
}

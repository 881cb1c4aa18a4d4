// `analysisctl users`: who may sign in.

import AnalysisAPI
import ArgumentParser
import Foundation
import RPC

struct Users: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Users and their passwords.", subcommands: [Add.self])

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
            let password = try password()
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
            print("\(user.id), \(user.role == .administrator ? "administrator" : "listener")")
        }

        private func password() throws -> String {
            let file = passwordFile == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: passwordFile)
            guard let file, let data = try file.readToEnd(), let text = String(data: data, encoding: .utf8) else {
                throw ValidationError("--password-file: '\(passwordFile)' has no password that can be read.")
            }
            return text.trimmingCharacters(in: .newlines)
        }
    }
}

enum UserRole: String, ExpressibleByArgument {
    case listener, administrator

    var value: Role {
        switch self {
        case .listener: .listener
        case .administrator: .administrator
        }
    }
}

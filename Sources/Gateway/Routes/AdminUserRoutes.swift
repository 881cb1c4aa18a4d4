// Who may sign in, for administrators.

import AnalysisAPI
import Hummingbird

struct AdminUserRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "admin/users", "All users by name, page by page.",
            query: [QueryParameter("page_token", .token, "next_page_token of the page before")]
        ) { request, context in
            let reply = try await backend.catalog.listUsers(
                ListUsersRequest(limit: 50, pageToken: request.query("page_token") ?? ""), options: context.call)
            return UsersAnswer(
                users: reply.users.map(AccountAnswer.UserJSON.init),
                nextPageToken: reply.nextPageToken.isEmpty ? nil : reply.nextPageToken)
        }
        routes.post("admin/users", "Makes a user.", body: NewUserBody.self) { _, body, context in
            let user = try await backend.catalog.createUser(
                CreateUserRequest(id: body.user, password: body.password, role: body.role?.role ?? .listener),
                options: context.call)
            return AccountAnswer(user: .init(user))
        }
        routes.put("admin/users/:id/role", "Changes what a user may do.", body: RoleBody.self) { _, body, context in
            let user = try await backend.catalog.setRole(
                SetRoleRequest(userID: context.identifier("id"), role: body.role.role), options: context.call)
            return AccountAnswer(user: .init(user))
        }
        routes.put(
            "admin/users/:id/password", "Sets a user's password, and signs them out everywhere.",
            body: NewPasswordBody.self
        ) { _, body, context in
            let user = try await backend.catalog.setPassword(
                SetPasswordRequest(userID: context.identifier("id"), password: body.password), options: context.call)
            return AccountAnswer(user: .init(user))
        }
        routes.delete("admin/users/:id", "Removes a user with everything that is theirs.") { _, context in
            let reply = try await backend.catalog.removeUser(
                UserRequest(userID: context.identifier("id")), options: context.call.unlimited)
            return RemovedUserAnswer(cancelledJobs: reply.cancelledJobs)
        }
    }
}

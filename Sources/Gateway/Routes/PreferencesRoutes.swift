// What a user has set.

import AnalysisAPI
import Hummingbird

struct PreferencesRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get("preferences", "What the user has set.") { _, context in
            PreferencesAnswer(try await known(context))
        }
        routes.put(
            "preferences", "Changes the preferences that are given; the others stay as they are.",
            body: PreferencesBody.self
        ) { _, body, context in
            let changed = body.applied(to: try await known(context))
            let request = SetPreferencesRequest(userID: context.user.id, preferences: changed)
            return PreferencesAnswer(try await backend.catalog.setPreferences(request, options: context.call))
        }
        routes.post(
            "watching",
            "Adds to the time for which progress was before users' eyes, if this user's preferences let that be counted.",
            body: WatchingBody.self
        ) { _, body, context in
            let report = WatchingReport(userID: context.user.id, seconds: body.seconds)
            return WatchingAnswer(
                counted: try await backend.catalog.reportWatching(report, options: context.call).counted)
        }
    }

    private func known(_ context: SignedInContext) async throws -> Preferences {
        try await backend.catalog.getPreferences(UserRequest(userID: context.user.id), options: context.call)
    }
}

// `analysisctl preferences`: what users have set about background analysis.

import AnalysisAPI
import ArgumentParser
import RPC

struct PreferencesOfUser: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preferences", abstract: "What a user has set about background analysis: show, set.",
        subcommands: [Show.self, Set.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Tells a user's preferences.")

        @Argument(help: "Whose.") var user: String
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let (user, preferences) = try await connection.withQueue { [user] client in
                let catalog = CatalogClient(client)
                let request = UserRequest(userID: user)
                return (
                    try await catalog.getUser(request, options: options),
                    try await catalog.getPreferences(request, options: options)
                )
            }
            if connection.json {
                return connection.show(["user": JSON(user), "preferences": JSON(preferences)]) { _ in }
            }
            print(preferences)
            print("last analysis    \(user.lastAnalysisAtMs == 0 ? "never" : time(user.lastAnalysisAtMs))")
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes those of a user's preferences that are given.",
            discussion: "Hours are 22:00-06:00, or 'Mon-Fri 08:00-17:00'; '' takes all of them away.")

        @Argument(help: "Whose.") var user: String
        @Option(help: "on or off: whether a login starts an analysis of everything not analysed yet.")
        var background: Switch?
        @Option(help: "An IANA name such as Europe/Berlin; '' is the site's.") var timeZone: String?
        @Option(help: "Hours in which no song is begun. Repeatable.") var quietHours: [String] = []
        @Option(help: "Hours outside of which no song is begun. Repeatable.") var offPeak: [String] = []
        @Option(help: "How many songs are begun in an hour at most; 0: any number.") var songsPerHour: UInt32?
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let preferences = try await connection.withQueue { [self] client in
                let catalog = CatalogClient(client)
                let known = try await catalog.getPreferences(UserRequest(userID: user), options: options)
                let request = SetPreferencesRequest(userID: user, preferences: changed(known))
                return try await catalog.setPreferences(request, options: options)
            }
            connection.show(preferences) { print($0) }
        }

        private func changed(_ known: Preferences) -> Preferences {
            var preferences = known
            if let background { preferences.backgroundAnalysis = background == .on }
            if let timeZone { preferences.timeZone = timeZone }
            if !quietHours.isEmpty { preferences.quietHours = quietHours.filter { !$0.isEmpty } }
            if !offPeak.isEmpty { preferences.offPeak = offPeak.filter { !$0.isEmpty } }
            if let songsPerHour { preferences.songsPerHour = songsPerHour }
            return preferences
        }
    }

    enum Switch: String, ExpressibleByArgument {
        case on, off
    }
}

private func print(_ preferences: Preferences) {
    func list(_ hours: [String]) -> String { hours.isEmpty ? "none" : hours.joined(separator: ", ") }
    print("background       \(preferences.backgroundAnalysis ? "on" : "off")")
    print("time zone        \(preferences.timeZone.isEmpty ? "the site's" : preferences.timeZone)")
    print("quiet hours      \(list(preferences.quietHours))")
    print("off-peak hours   \(list(preferences.offPeak))")
    print("songs an hour    \(preferences.songsPerHour == 0 ? "any number" : "\(preferences.songsPerHour)")")
}

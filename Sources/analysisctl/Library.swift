// `analysisctl library`: the songs and playlists of a user.

import AnalysisAPI
import ArgumentParser
import RPC

struct Library: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Songs and playlists of a user.", subcommands: [Import.self, List.self])

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a playlist of each folder of audio files.",
            discussion: "Importing again adds what is new and changes nothing else.")

        @Option(help: "Whose library it is.")
        var user: String

        @Option(help: "A folder beneath the worker's music folders; all of them where it is left out.")
        var folder: String = ""

        @OptionGroup var connection: Connection

        func run() async throws {
            var options = connection.options
            options.timeout = nil
            let last = try await connection.withQueue { [user, folder, options] client in
                var last = ImportProgress()
                let request = ImportFolderRequest(userID: user, folder: folder)
                for try await progress in CatalogClient(client).importFolder(request, options: options) {
                    last = progress
                }
                return last
            }
            print("\(last.files) songs in \(last.playlists) playlists: \(last.added) added, \(last.changed) changed")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists a user's playlists.")

        @Option(help: "Whose library it is.")
        var user: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let reply = try await connection.withQueue { [user] client in
                try await CatalogClient(client).listPlaylists(UserRequest(userID: user), options: options)
            }
            for playlist in reply.playlists {
                print("\(playlist.id)\t\(playlist.analysedCount)/\(playlist.songCount)\t\(playlist.name)")
            }
        }
    }
}

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
                let line = ProgressLine()
                defer { line.end() }
                let request = ImportFolderRequest(userID: user, folder: folder)
                for try await progress in CatalogClient(client).importFolder(request, options: options) {
                    last = progress
                    line.show("\(last.files) songs, \(last.added) added")
                }
                return last
            }
            connection.show(last) { last in
                print(
                    "\(last.files) songs in \(last.playlists) playlists: \(last.added) added, \(last.changed) changed")
            }
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
            connection.show(reply.playlists) { playlists in
                var table = Table("playlist", "analysed", "name")
                for playlist in playlists {
                    table.rows.append(
                        [playlist.id, "\(playlist.analysedCount)/\(playlist.songCount)", playlist.name])
                }
                table.show()
            }
        }
    }
}

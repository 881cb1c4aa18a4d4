// The web page: files that travel inside the binary, each with a validator, so that a browser asks again but loads once.

import Crypto
import HTTPTypes
import Hummingbird
import NIOCore

struct StaticFiles: Sendable {
    /// Every file of the folder `Web`.
    static let names: [(name: String, bytes: [UInt8])] = [
        ("index.html", PackageResources.index_html),
        ("icon.svg", PackageResources.icon_svg),
        ("base.css", PackageResources.base_css),
        ("views.css", PackageResources.views_css),
        ("api.js", PackageResources.api_js),
        ("app.js", PackageResources.app_js),
        ("dashboard.js", PackageResources.dashboard_js),
        ("dom.js", PackageResources.dom_js),
        ("format.js", PackageResources.format_js),
        ("job-card.js", PackageResources.job_card_js),
        ("live.js", PackageResources.live_js),
        ("login.js", PackageResources.login_js),
        ("names.js", PackageResources.names_js),
        ("playlist.js", PackageResources.playlist_js),
        ("progress-bar.js", PackageResources.progress_bar_js),
        ("song-row.js", PackageResources.song_row_js),
        ("song.js", PackageResources.song_js),
        ("toast.js", PackageResources.toast_js),
        ("waveform.js", PackageResources.waveform_js),
    ]

    func add(to router: Router<GatewayContext>) {
        for (name, bytes) in Self.names {
            let file = File(name: name, bytes: bytes)
            router.get(RouterPath("/\(name)")) { request, _ in file.response(to: request) }
            if name == "index.html" { router.get("/") { request, _ in file.response(to: request) } }
        }
    }

    private struct File: Sendable {
        let contentType: String
        let body: ByteBuffer
        let etag: String

        init(name: String, bytes: [UInt8]) {
            let types = ["html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"]
            let suffix = name.split(separator: ".").last.map(String.init) ?? ""
            contentType = types[suffix].map { "\($0); charset=utf-8" } ?? "application/octet-stream"
            body = ByteBuffer(bytes: bytes)
            etag =
                "\"" + SHA256.hash(data: bytes).prefix(12).map { String($0, radix: 16) }.joined(separator: "-") + "\""
        }

        func response(to request: Request) -> Response {
            var headers: HTTPFields = [.eTag: etag, .cacheControl: "no-cache"]
            if request.headers[.ifNoneMatch]?.contains(etag) == true {
                return Response(status: .notModified, headers: headers)
            }
            headers[.contentType] = contentType
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
        }
    }
}

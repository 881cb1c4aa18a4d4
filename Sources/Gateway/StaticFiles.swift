// The web page: files that travel inside the binary. The page itself is asked for anew each time; what it names has the version
// of all files in its address, so that a browser loads it once and never mixes two versions.

import Crypto
import HTTPTypes
import Hummingbird
import NIOCore

struct StaticFiles: Sendable {
    static let page = PackageResources.index_html
    /// Every other file of the folder `Web`.
    static let assets: [(name: String, bytes: [UInt8])] = [
        ("icon.svg", PackageResources.icon_svg),
        ("base.css", PackageResources.base_css),
        ("views.css", PackageResources.views_css),
        ("admin.js", PackageResources.admin_js),
        ("admin-alerts.js", PackageResources.admin_alerts_js),
        ("admin-audit.js", PackageResources.admin_audit_js),
        ("admin-days.js", PackageResources.admin_days_js),
        ("admin-eta.js", PackageResources.admin_eta_js),
        ("admin-failed.js", PackageResources.admin_failed_js),
        ("admin-job.js", PackageResources.admin_job_js),
        ("admin-queue.js", PackageResources.admin_queue_js),
        ("admin-users.js", PackageResources.admin_users_js),
        ("admin-workers.js", PackageResources.admin_workers_js),
        ("api.js", PackageResources.api_js),
        ("app.js", PackageResources.app_js),
        ("asks.js", PackageResources.asks_js),
        ("charts.js", PackageResources.charts_js),
        ("confirm.js", PackageResources.confirm_js),
        ("dashboard.js", PackageResources.dashboard_js),
        ("dom.js", PackageResources.dom_js),
        ("figures.js", PackageResources.figures_js),
        ("format.js", PackageResources.format_js),
        ("history.js", PackageResources.history_js),
        ("hours.js", PackageResources.hours_js),
        ("insights.js", PackageResources.insights_js),
        ("job-card.js", PackageResources.job_card_js),
        ("key-wheel.js", PackageResources.key_wheel_js),
        ("live.js", PackageResources.live_js),
        ("login.js", PackageResources.login_js),
        ("names.js", PackageResources.names_js),
        ("notices.js", PackageResources.notices_js),
        ("playlist.js", PackageResources.playlist_js),
        ("preferences.js", PackageResources.preferences_js),
        ("progress-bar.js", PackageResources.progress_bar_js),
        ("rating.js", PackageResources.rating_js),
        ("song-list.js", PackageResources.song_list_js),
        ("song-result.js", PackageResources.song_result_js),
        ("song.js", PackageResources.song_js),
        ("story.js", PackageResources.story_js),
        ("stream.js", PackageResources.stream_js),
        ("theme.js", PackageResources.theme_js),
        ("toast.js", PackageResources.toast_js),
        ("watching.js", PackageResources.watching_js),
        ("wave.js", PackageResources.wave_js),
    ]
    /// Another one as soon as a byte of any file is another.
    static let version = hash(of: [page] + assets.map(\.bytes))

    func add(to router: Router<GatewayContext>) {
        let page = String(decoding: Self.page, as: UTF8.self).replacing("{version}", with: Self.version)
        let body = ByteBuffer(string: page)
        let etag = "\"\(Self.version)\""
        for path in ["/", "/index.html"] {
            router.get(RouterPath(path)) { request, _ in
                var headers: HTTPFields = [.eTag: etag, .cacheControl: "no-cache"]
                if request.headers[.ifNoneMatch]?.contains(etag) == true {
                    return Response(status: .notModified, headers: headers)
                }
                headers[.contentType] = Self.contentType(of: "index.html")
                return Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
            }
        }
        for (name, bytes) in Self.assets {
            let headers: HTTPFields = [
                .contentType: Self.contentType(of: name), .cacheControl: "public, max-age=31536000, immutable",
            ]
            let body = ByteBuffer(bytes: bytes)
            router.get(RouterPath(Self.path(of: name))) { _, _ in
                Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
            }
        }
    }

    static func path(of asset: String) -> String { "/assets/\(version)/\(asset)" }

    private static func contentType(of name: String) -> String {
        let types = ["html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"]
        let suffix = name.split(separator: ".").last.map(String.init) ?? ""
        return types[suffix].map { "\($0); charset=utf-8" } ?? "application/octet-stream"
    }

    private static func hash(of files: [[UInt8]]) -> String {
        var hash = SHA256()
        // The length first, so that no byte can move from one file to the next unnoticed.
        for file in files {
            withUnsafeBytes(of: file.count) { hash.update(bufferPointer: $0) }
            hash.update(data: file)
        }
        let digits = Array("0123456789abcdef")
        return String(hash.finalize().prefix(8).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

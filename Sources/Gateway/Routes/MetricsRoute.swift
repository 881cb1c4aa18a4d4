// The metrics of all processes, for Prometheus.

import AnalysisAPI
import Crypto
import Daemon
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import RPC

/// Who may read the metrics.
enum MetricsAccess: Sendable {
    /// Who comes from this machine, and not through a proxy.
    case local
    /// Who shows the token that this file holds, from wherever. It is read each time, so that it can be replaced.
    case tokenFile(String)

    private static let smallestToken = 16

    /// The token in a file, without the white space around it.
    ///
    /// - Throws: where it cannot be read, or the token is so short that it can be guessed.
    static func token(in path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RPCError(.failedPrecondition, "--metrics-token: \(path) cannot be read")
        }
        let token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard token.utf8.count >= smallestToken else {
            throw RPCError(
                .failedPrecondition,
                "--metrics-token: \(path) has a token of \(token.utf8.count) bytes; \(smallestToken) at least are right"
            )
        }
        return token
    }

    /// - Throws: 401 or 403 that says what would be right.
    func check(_ request: Request, _ context: GatewayContext) throws {
        switch self {
        case .tokenFile(let path):
            let token: String
            do {
                token = try Self.token(in: path)
            } catch {
                context.logger.error("the metrics token cannot be read", metadata: ["error": "\(error)"])
                throw GatewayError(
                    status: .serviceUnavailable,
                    message: "The gateway's metrics token cannot be read; its log says why.")
            }
            guard let shown = request.headers[.authorization], Self.isSame(shown, "Bearer \(token)") else {
                throw GatewayError(
                    status: .unauthorized, message: "Metrics are read with the token in the gateway's --metrics-token.",
                    headers: [.wwwAuthenticate: "Bearer"])
            }
        case .local:
            guard !Self.proxyHeaders.contains(where: request.headers.contains), Self.isLocal(context.channel) else {
                throw GatewayError(
                    status: .forbidden,
                    message: "Without --metrics-token, metrics are for this machine alone, and not through a proxy.")
            }
        }
    }

    private static let proxyHeaders: [HTTPField.Name] = ["Forwarded", "X-Forwarded-For", "X-Real-IP"]
        .compactMap { HTTPField.Name($0) }

    /// Whether the connection comes from this machine, whatever its request says.
    private static func isLocal(_ channel: any Channel) -> Bool {
        switch channel.remoteAddress {
        case .v4(let address): (UInt32(bigEndian: address.address.sin_addr.s_addr) >> 24) == 127
        case .v6: channel.remoteAddress?.ipAddress == "::1"
        case .unixDomainSocket: true
        case nil: false
        }
    }

    /// Takes the same time for all texts: hashes tell nothing of where two differ.
    private static func isSame(_ shown: String, _ right: String) -> Bool {
        SHA256.hash(data: Data(shown.utf8)) == SHA256.hash(data: Data(right.utf8))
    }
}

struct MetricsRoute: Sendable {
    let services: [(process: String, metrics: MetricsClient)]
    let own: MetricsCollector
    let access: MetricsAccess

    private static let call = CallOptions(timeout: .seconds(5), waitForReady: false)
    /// After so long without news a process counts as away: it tells them every few seconds.
    static let silenceMs: Int64 = 20_000

    func add(to router: Router<GatewayContext>) {
        router.get("metrics") { request, context in
            try access.check(request, context)
            let text = PrometheusText.text(of: await collect())
            return Response(
                status: .ok, headers: [.contentType: PrometheusText.contentType, .cacheControl: "no-store"],
                body: .init(byteBuffer: ByteBuffer(string: text)))
        }
    }

    private func collect() async -> [ProcessMetrics] {
        await withTaskGroup { group in
            for service in services { group.addTask { await Self.ask(service.metrics, of: service.process) } }
            var processes = [await own.collect().up]
            for await answer in group { processes += answer }
            return processes.sorted { ($0.process, $0.id) < ($1.process, $1.id) }
        }
    }

    /// What a service tells of itself and of others; of one that does not answer, that it is not up.
    private static func ask(_ service: MetricsClient, of process: String) async -> [ProcessMetrics] {
        var processes: [ProcessMetrics] = []
        do {
            for try await told in service.collect(CollectRequest(), options: call) {
                processes.append(
                    told.atMs + silenceMs > Timestamp.now.millisecondsSince1970 ? told.up : told.down)
            }
        } catch {
            if processes.isEmpty { processes.append(ProcessMetrics(process: process).down) }
        }
        return processes
    }
}

extension ProcessMetrics {
    var up: ProcessMetrics {
        var metrics = self
        metrics.families.append(.up(1))
        return metrics
    }

    /// Of what it measured last nothing is true any more.
    var down: ProcessMetrics {
        ProcessMetrics(process: process, id: id, families: [.up(0)])
    }
}

extension MetricFamily {
    fileprivate static func up(_ value: Double) -> MetricFamily {
        let definition = MetricDefinition.all.first { $0.name == "analysis_up" }
        return MetricFamily(
            name: "analysis_up", help: definition?.help ?? "", type: .gauge, series: [MetricSeries(value: value)])
    }
}

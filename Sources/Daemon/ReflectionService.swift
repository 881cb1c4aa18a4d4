// Tells what a process serves, in protobuf's own descriptors.

package import AnalysisAPI
import Foundation
package import RPC

package struct ReflectionService: ReflectionProvider {
    static let names = ["analysis.v1.Reflection"]

    private let serviceNames: [String]

    package init(serviceNames: [String]) {
        self.serviceNames = serviceNames
    }

    package func listServices(_ request: ListServicesRequest, context: CallContext) async throws -> ListServicesReply {
        ListServicesReply(services: serviceNames)
    }

    package func describeSymbol(
        _ request: DescribeSymbolRequest, context: CallContext
    ) async throws -> DescribeSymbolReply {
        guard let file = FileDescriptor.all.first(where: { $0.symbols.contains(request.symbol) }) else {
            throw RPCError(
                .notFound, "there is no '\(request.symbol)'; ListServices says what there is, as package.Service")
        }
        return DescribeSymbolReply(
            files: withImports(file).compactMap { Data(base64Encoded: $0.base64).map(Array.init) })
    }

    /// Each file once, after those that it imports.
    private func withImports(_ file: FileDescriptor) -> [FileDescriptor] {
        var found: [FileDescriptor] = []
        for name in file.imports {
            guard let imported = FileDescriptor.all.first(where: { $0.name == name }) else { continue }
            for file in withImports(imported) where !found.contains(where: { $0.name == file.name }) {
                found.append(file)
            }
        }
        return found + [file]
    }
}

extension RPCService {
    /// The full names of the services whose methods it has.
    var serviceNames: [String] {
        Set(methods.map { String($0.name.prefix { $0 != "/" }) }).sorted()
    }
}

// Lets commands take RPC addresses as flags.

import ArgumentParser
package import RPC

extension RPCAddress: ExpressibleByArgument {
    package init?(argument: String) {
        guard let address = try? RPCAddress(argument) else { return nil }
        self = address
    }
}

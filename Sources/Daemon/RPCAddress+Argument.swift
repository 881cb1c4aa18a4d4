// Lets commands take RPC addresses as flags: `@Option(transform: rpcAddress)`.

import ArgumentParser
package import RPC

/// - Throws: what is wrong with the address, as the parser shows it.
package func rpcAddress(_ text: String) throws -> RPCAddress {
    do {
        return try RPCAddress(text)
    } catch let error as RPCError {
        throw ValidationError(error.detail)
    }
}

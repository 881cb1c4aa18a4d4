// One .proto file as data, for tools that ask a running service what it speaks.

/// A .proto file of this package. `all` has every one that declares messages or services, in no order.
package struct FileDescriptor: Sendable {
    /// Its path, as imports name it: `analysis/v1/jobs.proto`.
    package let name: String
    /// The files that it imports.
    package let imports: [String]
    /// The full names of the services, methods, messages and enums that it declares.
    package let symbols: [String]
    /// A serialized `google.protobuf.FileDescriptorProto`.
    package let base64: String
}

import Foundation
import SwiftProtobuf

/// Marks every string field of a serialized FileDescriptorSet with `[(pb_c_field).string_as_bytes = true]`.
///
/// protobuf-c cuts its strings at the first NUL; bytes arrive whole, and Swift validates them. The option is set here
/// rather than in the .proto files because other languages would have to find protobuf-c's own .proto to read them.
func stringsAsBytes(_ descriptors: Data) throws -> Data {
    var set = try Google_Protobuf_FileDescriptorSet(serializedBytes: descriptors)
    for file in set.file.indices {
        try markStrings(of: &set.file[file].messageType)
    }
    return try set.serializedData()
}

private func markStrings(of messages: inout [Google_Protobuf_DescriptorProto]) throws {
    for message in messages.indices {
        for field in messages[message].field.indices where messages[message].field[field].type == .string {
            try messages[message].field[field].options.merge(serializedBytes: stringAsBytesOption)
        }
        try markStrings(of: &messages[message].nestedType)
    }
}

/// Extension 1019 of FieldOptions (`pb_c_field`, a message of two bytes), in which field 1 (`string_as_bytes`) is true;
/// the numbers are those of protobuf-c/protobuf-c.proto.
private let stringAsBytesOption: [UInt8] = [0xDA, 0x3F, 0x02, 0x08, 0x01]

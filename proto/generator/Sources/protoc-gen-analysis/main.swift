// Generates the Swift side of the protocol, and Python's services. proto/generate runs it in three ways:
//
//   protoc --analysis_out=DIR …                     as a plugin of protoc: writes NAME.pb.swift and NAME.rpc.swift
//   protoc --analysis_out=python:DIR …              writes services.py
//   protoc-gen-analysis --strings-as-bytes <IN >OUT  rewrites a FileDescriptorSet for protoc-gen-c

import Foundation
import SwiftProtobuf
import SwiftProtobufPluginLibrary

if CommandLine.arguments.dropFirst() == ["--strings-as-bytes"] {
    let descriptors = try FileHandle.standardInput.readToEnd() ?? Data()
    try FileHandle.standardOutput.write(contentsOf: stringsAsBytes(descriptors))
} else {
    Generator().main(nil)
}

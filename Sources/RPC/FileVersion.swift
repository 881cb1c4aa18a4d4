import FoundationEssentials

/// Which content a file has, as far as that can be told without reading it: a file that is replaced within a tick of the file
/// system's clock has another number. Links are followed, also those that are swapped, as Kubernetes does with secrets.
package struct FileVersion: Hashable, Sendable {
    private let modified: Date?
    private let number: Int?

    /// Nil where there is no such file.
    package init?(_ path: String) {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else { return nil }
        modified = attributes[.modificationDate] as? Date
        number = attributes[.systemFileNumber] as? Int
    }
}

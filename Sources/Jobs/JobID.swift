// Job ids name the lane that the job was made in: `0-17` is job 17 of lane 0. It is there until its user is moved to another.

/// The id of a job.
package struct JobID: Hashable, Sendable, CustomStringConvertible {
    package let lane: String
    package let sequence: UInt64

    package init(lane: String, sequence: UInt64) {
        self.lane = lane
        self.sequence = sequence
    }

    /// Nil where `text` is not a lane's number, a hyphen and a sequence number, each without leading zeros.
    package init?(_ text: some StringProtocol) {
        guard let hyphen = text.firstIndex(of: "-"), let lane = UInt32(text[..<hyphen]),
            let sequence = UInt64(text[text.index(after: hyphen)...])
        else { return nil }
        self.init(lane: String(lane), sequence: sequence)
        guard description == text else { return nil }
    }

    package var description: String { "\(lane)-\(sequence)" }
}

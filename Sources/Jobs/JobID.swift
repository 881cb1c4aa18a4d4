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
    package init?(_ text: String) {
        guard let hyphen = text.utf8.firstIndex(of: UInt8(ascii: "-")),
            let lane: UInt32 = Self.number(text.utf8[..<hyphen]),
            let sequence: UInt64 = Self.number(text.utf8[text.utf8.index(after: hyphen)...])
        else { return nil }
        self.init(lane: String(lane), sequence: sequence)
    }

    private static func number<Number: FixedWidthInteger>(_ digits: some Collection<UInt8>) -> Number? {
        guard let first = digits.first, first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
        var number: Number = 0
        for digit in digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
            let (tens, isOver) = number.multipliedReportingOverflow(by: 10)
            let (sum, isOverToo) = tens.addingReportingOverflow(Number(digit - UInt8(ascii: "0")))
            guard !isOver, !isOverToo else { return nil }
            number = sum
        }
        return number
    }

    package var description: String { "\(lane)-\(sequence)" }
}

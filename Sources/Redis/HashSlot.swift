/// One of the 16384 parts into which a Redis Cluster divides all keys
/// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
struct HashSlot: Hashable, Sendable {
    static let count = 16384

    let number: Int

    /// `nil` where the number is not one of a slot.
    init?(_ number: Int) {
        guard (0..<Self.count).contains(number) else { return nil }
        self.number = number
    }

    /// The slot of a key.
    init(of key: some BidirectionalCollection<UInt8>) {
        number = Int(Self.crc16(Self.tag(of: key))) % Self.count
    }

    /// What decides the slot of a key: what stands between its first `{` and the next `}`, where that is something; else all of it.
    static func tag<Key: BidirectionalCollection<UInt8>>(of key: Key) -> Key.SubSequence {
        guard let open = key.firstIndex(of: UInt8(ascii: "{")) else { return key[...] }
        let tag = key[key.index(after: open)...]
        guard let close = tag.firstIndex(of: UInt8(ascii: "}")), close != tag.startIndex else { return key[...] }
        return tag[..<close]
    }

    init(of key: RedisArgument) {
        switch key.storage {
        case .text(let text): self.init(of: text.utf8)
        case .bytes(let bytes): self.init(of: bytes)
        }
    }

    /// CRC-16/XMODEM: polynomial 0x1021, from 0, not reflected.
    private static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { crc, byte in crc << 8 ^ table[Int(UInt8(crc >> 8) ^ byte)] }
    }

    private static let table = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { crc, _ in crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
    }
}

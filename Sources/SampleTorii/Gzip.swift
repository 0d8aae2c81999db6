/// The gzip form of `bytes` (RFC 1952), stored without compression: for an answer that nobody asked to be coded.
func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    func littleEndian(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
    var out: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
    var begin = 0
    repeat {
        let end = min(bytes.count, begin + 65_535)
        let size = UInt32(end - begin)
        out.append(end == bytes.count ? 1 : 0)
        out += littleEndian(size, 2) + littleEndian(~size, 2) + bytes[begin..<end]
        begin = end
    } while begin < bytes.count
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
    return out + littleEndian(~crc, 4) + littleEndian(UInt32(truncatingIfNeeded: bytes.count), 4)
}

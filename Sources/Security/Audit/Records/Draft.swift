import Bytes
import System

/// A record that is encoded and waits for its place in the chain.
struct Draft: Sendable {
    let kind: AuditKind
    let call: ByteString?
    let of: UInt64?
    let body: [UInt8]
    let wall: WallTime

    init(_ record: AuditRecord, at moment: Moment) {
        kind = record.kind
        call = record.call?.text
        of = record.of
        body = record.encoded(at: moment)
        wall = moment.wall
    }
}

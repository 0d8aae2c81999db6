internal import System

/// A socket without TLS, and what the kernel last said about it; the same bookkeeping as under TLS.
struct PlainChannel {
    let socket: Int32
    var isReadable = true
    var isWritable = true
    /// No further report will come: only a read of nothing proves the end.
    var peerFinished = false

    init(socket: Int32) {
        self.socket = socket
    }

    mutating func receive(into buffer: inout [UInt8], atMost limit: Int) -> Transfer {
        guard isReadable else { return .wouldBlock }
        let transfer = Sockets.receive(from: socket, into: &buffer, atMost: limit)
        switch transfer {
        case .bytes(let count) where count < limit && !peerFinished: isReadable = false
        case .wouldBlock: isReadable = false
        default: break
        }
        return transfer
    }

    mutating func send(_ bytes: [UInt8], from start: Int) -> Transfer {
        guard isWritable else { return .wouldBlock }
        let transfer = Sockets.send(bytes, from: start, to: socket)
        switch transfer {
        case .bytes(let count) where count < bytes.count - start: isWritable = false
        case .wouldBlock: isWritable = false
        default: break
        }
        return transfer
    }
}

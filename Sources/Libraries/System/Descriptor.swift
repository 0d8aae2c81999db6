internal import Glibc

/// Owns one open file descriptor; closed when this value dies.
public struct Descriptor: ~Copyable, Sendable {
    /// The number the kernel knows it by. Borrowed: valid only while this value lives.
    public let number: Int32

    /// Takes over a descriptor that nobody else will close.
    public init(owning number: Int32) {
        self.number = number
    }

    deinit {
        // Linux closes the descriptor even when close(2) answers an error; repeating it could close someone else's.
        close(number)
    }

    /// Gives up ownership: the caller must close it.
    public consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }
}

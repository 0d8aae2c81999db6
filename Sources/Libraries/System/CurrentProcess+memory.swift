internal import CLinux

extension CurrentProcess {
    /// Has the C library keep memory that was freed, for the next call, instead of giving it back to the kernel and asking for it
    /// again some hundred times a second: each time costs page faults. The process keeps up to 16 MiB per thread that it once
    /// needed at the same time; buffers above 4 MiB are still mapped and given back by themselves.
    ///
    /// For programs that serve; before other threads begin.
    public static func keepFreedMemory() {
        komainu_keep_freed_memory(16 << 20, 4 << 20, 256 << 10)
    }
}

import CLinux
import Glibc

extension CurrentProcess {
    /// What a crash must not show: the runtime's backtrace prints registers and memory, a core file holds all of it, and keys and
    /// unredacted values are in both. Call it first of all.
    ///
    /// The runtime reads its settings before `main`, so the program begins anew once, with backtraces off, unless whoever
    /// started it has set them.
    public static func keepMemoryPrivate() {
        _ = komainu_keep_memory_private()
        guard environment("SWIFT_BACKTRACE") == nil, unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1) == 0 else {
            return
        }
        unsafe _ = komainu_begin_anew(CommandLine.unsafeArgv)
    }
}

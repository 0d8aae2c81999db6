internal import CLinux

/// One object per thread that code on that thread finds again: the event loop that the thread runs.
public enum ThreadAttachment {
    /// Attaches an object to the calling thread. It is not retained: detach it (nil) before it dies.
    public static func attach(_ object: AnyObject?) {
        unsafe komainu_attach(object.map { unsafe UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) })
    }

    /// What the calling thread has attached.
    public static var object: AnyObject? {
        guard let pointer = unsafe komainu_attachment() else { return nil }
        return unsafe Unmanaged<AnyObject>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Whether the calling thread has this very object attached; cheaper than comparing `object`.
    @inline(__always)
    public static func isAttached(_ object: AnyObject) -> Bool {
        unsafe komainu_attachment() == UnsafeRawPointer(Unmanaged.passUnretained(object).toOpaque())
    }
}

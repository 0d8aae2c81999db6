import System
import YAML

/// Paths of a configuration file: relative ones are relative to the file, not to wherever the program was started.
struct PathReading {
    let folder: String
    let reading: Reading

    init(file: String, reading: Reading) {
        let slash = file.lastIndex(of: "/")
        self.folder = slash.map { String(file[...$0]) } ?? ""
        self.reading = reading
    }

    /// A default, which nobody wrote and which is relative as if somebody had.
    func standard(_ path: String) -> String { folder + path }

    /// A path, whether or not something is there.
    func path(_ node: Node) -> String? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        if text.utf8.contains(0) {
            reading.mistake(node, "a path can't hold a NUL")
            return nil
        }
        if text.hasPrefix("~") {
            reading.mistake(node, "`~` isn't expanded", hint: "write the folder out")
            return nil
        }
        return text.hasPrefix("/") ? text : folder + text
    }

    /// A file that must be there and that we may read.
    func existing(_ node: Node) -> String? {
        guard let path = path(node) else { return nil }
        do throws(SystemFailure) {
            if try Files.status(path).kind == .file { return path }
            reading.mistake(node, "`\(path)` isn't a file")
        } catch {
            reading.mistake(node, "`\(path)`: \(SystemFailure.text(of: error.errno))")
        }
        return nil
    }

    /// A file with something secret: it must be there, and a warning says when everybody on the machine can read it.
    func secret(_ node: Node) -> String? {
        guard let path = existing(node) else { return nil }
        warnIfOpen(path, node)
        return path
    }

    /// A file with something secret that is made at the first start when it isn't there.
    func madeSecret(_ node: Node) -> String? {
        guard let path = path(node) else { return nil }
        if Files.exists(path) { warnIfOpen(path, node) }
        return path
    }

    private func warnIfOpen(_ path: String, _ node: Node) {
        guard let status = try? Files.status(path), status.permissions & 0o004 != 0 else { return }
        reading.warning(node, "everybody on this machine can read `\(path)`", hint: "chmod o-r it")
    }

    /// One file or a list of files, all of which must be there.
    func files(_ node: Node) -> [String]? {
        guard node.elements != nil else { return existing(node).map { [$0] } }
        guard let files = reading.list(of: existing)(node) else { return nil }
        if files.isEmpty { reading.mistake(node, "the list is empty") }
        return files.isEmpty ? nil : files
    }
}

import Glibc
import System
import Testing

@Suite struct `A subprocess` {
    private func program(_ script: String, _ environment: [String: String] = [:]) -> Program {
        Program(path: "/bin/sh", arguments: ["-c", script], environment: environment)
    }

    /// What it writes to its standard output until its end, and how it ended.
    private func run(_ program: Program, saying text: String = "") throws -> (output: String, status: ProcessEnd?) {
        var process = try Subprocess.start(program)
        let ends = process.takeEnds().map { Descriptor(owning: $0).release() }
        #expect(process.takeEnds() == [])
        _ = Sockets.send(Array(text.utf8), from: 0, to: ends[0])
        close(ends[0])
        var output: [UInt8] = []
        var status: ProcessEnd?
        let deadline = MonotonicTime.now + .seconds(10)
        var isOver = false
        while !isOver || status == nil, MonotonicTime.now < deadline {
            switch Sockets.receive(from: ends[1], into: &output, atMost: 4_096) {
            case .end: isOver = true
            case .bytes: continue
            case .wouldBlock, .failed: break
            }
            if status == nil { status = process.reap() }
            Bell().wait(until: .now + .milliseconds(2))
        }
        close(ends[1])
        close(ends[2])
        return (String(decoding: output, as: UTF8.self), status)
    }

    @Test func `reads what we write, writes what we read, and ends with its own code`() throws {
        let (output, status) = try run(program("read line; echo \"got $line\"; exit 7"), saying: "hello\n")
        #expect(output == "got hello\n")
        #expect(status == .exited(7))
    }

    @Test func `has the environment it was given and nothing else of ours`() throws {
        unsafe setenv("KOMAINU_TRIAL", "ours", 1)
        let (output, _) = try run(
            Program(path: "/usr/bin/env", arguments: [], environment: ["ONE": "1", "TWO": "a b=c"]))
        #expect(output == "ONE=1\nTWO=a b=c\n")
        let open = try run(program("ls /proc/self/fd | wc -l"))
        #expect(open.output.split(separator: "\n") == ["4"])
    }

    @Test func `gets its arguments as they are, for no shell reads them`() throws {
        let program = Program(path: "/usr/bin/printf", arguments: ["%s|", "a b", "$HOME", "*", ""], environment: [:])
        #expect(try run(program).output == "a b|$HOME|*||")
    }

    @Test func `takes signals as usual, whatever we ignore or block`() throws {
        Signals.ignoreBrokenPipe()
        let (output, status) = try run(program("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\n'; kill -PIPE $$"))
        // But for the one that the C library keeps for itself, the 32nd.
        #expect(output.replacing("8", with: "0") == "SigBlk:\t0000000000000000SigIgn:\t0000000000000000")
        #expect(status == .killed(SIGPIPE))
    }

    @Test func `is ended with all of its group when it is dropped`() throws {
        let pids = try { () throws -> [Int32] in
            var process = try Subprocess.start(program("sleep 300 & echo $$ $!; wait"))
            let ends = process.takeEnds()
            defer { for end in ends { close(end) } }
            var output: [UInt8] = []
            while output.last != 0x0A {
                _ = Sockets.receive(from: ends[1], into: &output, atMost: 100)
                Bell().wait(until: .now + .milliseconds(2))
            }
            #expect(process.reap() == nil)
            return String(decoding: output, as: UTF8.self).split(whereSeparator: \.isWhitespace).compactMap {
                Int32($0)
            }
        }()
        #expect(pids.count == 2)
        let deadline = MonotonicTime.now + .seconds(5)
        // The second was its child, and is taken by whoever takes orphans: until then it is a zombie.
        func runs(_ pid: Int32) -> Bool {
            guard let status = try? Files.read("/proc/\(pid)/status", limit: 1 << 16) else { return false }
            return !String(decoding: status, as: UTF8.self).contains("State:\tZ")
        }
        while pids.contains(where: runs), MonotonicTime.now < deadline { Bell().wait(until: .now + .milliseconds(5)) }
        #expect(!pids.contains(where: runs))
    }

    @Test func `that is no program is an error and leaves nothing open`() throws {
        let before = try Files.list("/proc/self/fd").count
        for path in ["/nowhere/at/all", "/etc/passwd", "/"] {
            #expect(throws: SystemFailure.self) {
                _ = try Subprocess.start(Program(path: path, arguments: [], environment: [:])).identifier
            }
        }
        #expect(try Files.list("/proc/self/fd").count <= before + 2)
    }

    @Test func `is found by its name in PATH, or by its path`() {
        #expect(Program.find("sh", path: "/nowhere:/bin:/usr/bin") == "/bin/sh")
        #expect(Program.find("/bin/sh") == "/bin/sh")
        #expect(Program.find("no-such-program") == nil)
        #expect(Program.find("/etc/passwd") == nil)
        #expect(Program.find("") == nil)
    }
}

"""`komainu connect` as a client that starts programs has it: lines in, lines out."""
import json
import queue
import subprocess
import threading
import time

import house as houses

OPENING = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "trial", "version": "1"}}


class Bridge:
    def __init__(self, *words, environment=None):
        self.process = subprocess.Popen(
            [str(houses.PROGRAM), "connect", *(str(word) for word in words)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        self.lines, self.errors = queue.Queue(), []
        self.readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode())

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def say(self, method, params=None, id=None):
        message = {"jsonrpc": "2.0", "method": method}
        if id is not None:
            message["id"] = id
        if params is not None:
            message["params"] = params
        self.write(json.dumps(message).encode() + b"\n")

    def hear(self, seconds=10):
        """The next message; None when there are no more."""
        return self.lines.get(timeout=seconds)

    def hear_until(self, id, seconds=10):
        """What comes up to the answer with that id, the answer last."""
        heard = []
        while not heard or heard[-1].get("id") != id or "method" in heard[-1]:
            heard.append(self.hear(seconds))
            assert heard[-1] is not None, (heard, self.errors)
        return heard

    def open(self):
        """The handshake; gives the server's answer."""
        self.say("initialize", OPENING, id="open")
        answer = self.hear()
        self.say("notifications/initialized")
        return answer

    def call(self, tool, arguments=None, id=1, seconds=10, meta=None):
        params = {"name": tool, "arguments": arguments or {}} | ({"_meta": meta} if meta else {})
        self.say("tools/call", params, id=id)
        return self.hear_until(id, seconds)[-1]

    def end(self, seconds=10):
        """The end of input; gives the exit code."""
        self.process.stdin.close()
        return self.wait(seconds)

    def wait(self, seconds=10):
        code = self.process.wait(seconds)
        for reader in self.readers:
            reader.join(5)
        return code

    @property
    def complaint(self):
        return "".join(self.errors)

    def complains(self, text, seconds=5):
        """Whether that is said on stderr: the other stream's answer may arrive first."""
        deadline = time.monotonic() + seconds
        while text not in self.complaint and time.monotonic() < deadline:
            time.sleep(0.01)
        return text in self.complaint

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

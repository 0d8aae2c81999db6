"""A client of our own, close to the bytes: where the SDKs would hide what came back, or refuse to send what we send."""
import contextlib
import json
import re
import select
import socket
import ssl
import time


class Answer:
    """One HTTP answer, its body read to the end of its framing."""

    def __init__(self, status, fields, body, complete=True):
        self.status, self.fields, self.body, self.complete = status, fields, body, complete

    def field(self, name):
        """The value of a field that occurs once; None when it does not occur."""
        values = [value for key, value in self.fields if key == name]
        assert len(values) < 2, f"{name} occurs {len(values)} times"
        return values[0] if values else None

    @property
    def messages(self):
        """The JSON-RPC messages of the body, whether it is JSON or an event stream."""
        if not self.body.strip():
            return []
        if (self.field("content-type") or "").startswith("text/event-stream"):
            return [json.loads(event["data"]) for event in events(self.body) if event["data"]]
        return [json.loads(self.body)]

    @property
    def message(self):
        """The one message that is an answer."""
        found = [message for message in self.messages if "result" in message or "error" in message]
        assert len(found) == 1, self
        return found[0]

    @property
    def result(self):
        return self.message["result"]

    @property
    def error(self):
        return self.message["error"]

    @property
    def text(self):
        """All text of a tool's result."""
        return "\n".join(item["text"] for item in self.result["content"] if item["type"] == "text")

    def __repr__(self):
        return f"<{self.status} {dict(self.fields)} {self.body[:1500]!r}{'' if self.complete else ' …cut'}>"


def events(stream):
    """The events of a stream by the WHATWG rules; an unterminated last one is dropped."""
    found = []
    text = stream.decode("utf-8")
    blocks = re.split(r"\r\n\r\n|\n\n|\r\r", text)
    for block in blocks[:-1]:
        event = {"event": "message", "data": "", "id": None, "retry": None}
        data = []
        for line in re.split(r"\r\n|\n|\r", block):
            name, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if name == "data":
                data.append(value)
            elif name in event:
                event[name] = value
        event["data"] = "\n".join(data)
        if data or event["id"] is not None:
            found.append(event)
    return found


def trusting(ca):
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["http/1.1"])
    return context


class Connection:
    """One TLS connection on which raw bytes go out and whole answers come in."""

    def __init__(self, port, ca, host="localhost", timeout=20):
        plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = trusting(ca).wrap_socket(plain, server_hostname=host)
        self.buffer = b""
        self.ended = False

    def send(self, data):
        # A refusal may close the connection while we still send: what counts is what comes back.
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def more(self):
        """Reads what there is; False at the end of the connection."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError, OSError) as failure:
            if isinstance(failure, (TimeoutError, socket.timeout)):
                raise
            data = b""
        self.buffer += data
        self.ended = self.ended or not data
        return bool(data)

    def head(self):
        """Status and fields of the next answer; None when the connection ends first."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        return int(lines[0].split(" ")[1]), fields

    def _take(self, count):
        while len(self.buffer) < count:
            if not self.more():
                return None
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _line(self):
        while b"\r\n" not in self.buffer:
            if not self.more():
                return None
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def chunks(self):
        """The pieces of a chunked body. Ends with None when the connection ended before the body did."""
        while True:
            line = self._line()
            size = None if line is None else int(line.split(b";")[0], 16)
            if size == 0:
                self._line()
                return
            data = None if size is None else self._take(size + 2)
            if data is None:
                yield None
                return
            yield data[:-2]

    def answer(self, to_head=False):
        """The next whole answer; None when the connection ends without one."""
        head = self.head()
        while head and head[0] < 200:
            head = self.head()
        if head is None:
            return None
        status, fields = head
        values = dict(fields)
        if to_head or status in (204, 304):
            return Answer(status, fields, b"")
        if "chunked" in values.get("transfer-encoding", ""):
            pieces = list(self.chunks())
            whole = None not in pieces
            return Answer(status, fields, b"".join(piece for piece in pieces if piece), whole)
        count = int(values.get("content-length", 0))
        body = self._take(count)
        return Answer(status, fields, self.buffer if body is None else body, body is not None)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()


def request(method, path, fields, body=b""):
    """The bytes of one request. Fields are taken as they are; content-length is added unless framing is given."""
    lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields]
    names = {name.lower() for name, _ in fields}
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


class Stream:
    """An open event stream."""

    def __init__(self, connection, status, fields):
        self.connection, self.status, self.fields = connection, status, fields
        self.body = b""
        self.whole = None
        self._pieces = connection.chunks()

    def until(self, condition, seconds=10):
        """Reads until `condition(events)` or the end. Returns the events; fails when the time is up."""
        deadline = time.monotonic() + seconds
        while not condition(events(self.body)):
            left = deadline - time.monotonic()
            assert left > 0, f"nothing in {seconds} s; so far {self.body!r}"
            self.connection.socket.settimeout(left)
            piece = next(self._pieces, False)
            if piece is None or piece is False:
                self.whole = piece is False
                break
            self.body += piece
        return events(self.body)

    def end(self, seconds=10):
        """Waits for the end; returns how long that took."""
        begun = time.monotonic()
        self.until(lambda _: False, seconds)
        return time.monotonic() - begun

    def is_open(self):
        """Whether nothing has ended it so far (what has arrived is read)."""
        while self.connection.socket.pending() or select.select([self.connection.socket], [], [], 0)[0]:
            if not self.connection.more():
                return False
        return not self.connection.ended

    def close(self):
        self.connection.close()


class Agent:
    """An MCP client of the revisions with a handshake."""

    def __init__(self, url, ca, token=None, version="2025-06-18"):
        scheme, _, rest = url.partition("://")
        assert scheme == "https"
        self.authority, _, path = rest.partition("/")
        self.path = "/" + path
        self.port = int(self.authority.rpartition(":")[2])
        self.ca, self.token, self.version = ca, token, version
        self.session = None
        self.last_id = 0
        self._connection = None

    def fields(self, **more):
        """The fields of a usual POST; a value of None leaves one out, underscores stand for dashes."""
        fields = {
            "Host": self.authority, "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        if self.token:
            fields["Authorization"] = f"Bearer {self.token}"
        if self.session:
            fields |= {"Mcp-Session-Id": self.session, "MCP-Protocol-Version": self.version}
        for name, value in more.items():
            fields[name.replace("_", "-")] = value
        return [(name, value) for name, value in fields.items() if value is not None]

    def raw(self, data, timeout=20, to_head=False):
        """Sends bytes on a connection of their own; the first answer, or None."""
        connection = Connection(self.port, self.ca, timeout=timeout)
        try:
            connection.send(data)
            return connection.answer(to_head)
        finally:
            connection.close()

    def post(self, message, **fields):
        """Posts one message (or bytes) on the kept connection, which is opened anew when the server closed it."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        data = request("POST", self.path, self.fields(**fields), body)
        for _ in range(2):
            fresh = self._connection is None
            if fresh:
                self._connection = Connection(self.port, self.ca)
            self._connection.send(data)
            answer = self._connection.answer()
            if answer is None or not answer.complete or answer.field("connection") == "close":
                self._connection.close()
                self._connection = None
            if answer is not None or fresh:
                return answer
        return None

    def ask(self, method, params=None, id=None, **fields):
        """Sends a request and returns its answer."""
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id if id is None else id, "method": method}
        if params is not None:
            message["params"] = params
        return self.post(message, **fields)

    def open(self):
        """initialize and initialized."""
        answer = self.ask("initialize", {
            "protocolVersion": self.version, "capabilities": {}, "clientInfo": {"name": "agent", "version": "1"}})
        assert answer is not None and answer.status == 200, answer
        self.session = answer.field("mcp-session-id")
        self.opened = answer.result
        accepted = self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert accepted.status == 202 and not accepted.body, accepted
        return self

    def call(self, tool, arguments=None, **more):
        """Calls a tool; returns the HTTP answer."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments or {}} | more)

    def tools(self):
        """The names of every page of tools/list, and the definitions."""
        found, cursor = [], None
        while True:
            page = self.ask("tools/list", {"cursor": cursor} if cursor else None).result
            found += page["tools"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return {tool["name"]: tool for tool in found}

    def _stream(self, data):
        connection = Connection(self.port, self.ca)
        connection.send(data)
        head = connection.head()
        assert head is not None, "the connection ended without an answer"
        return Stream(connection, *head)

    def listen(self, **fields):
        """Opens a GET stream."""
        own = self.fields(**({"Accept": "text/event-stream", "Content_Type": None} | fields))
        return self._stream(request("GET", self.path, own))

    def call_streaming(self, tool, arguments=None, **more):
        """Calls a tool and leaves the answer's stream open."""
        self.last_id += 1
        params = {"name": tool, "arguments": arguments or {}} | more
        body = json.dumps({"jsonrpc": "2.0", "id": self.last_id, "method": "tools/call", "params": params}).encode()
        return self._stream(request("POST", self.path, self.fields(), body))

    def delete(self):
        """Ends the session."""
        return self.raw(request("DELETE", self.path, self.fields(Content_Type=None)))

    def close(self):
        if self._connection:
            self._connection.close()

"""A client of HTTP/2 close to the frames: well-behaved by the `h2` library, or whatever bytes a test wants to send."""
import contextlib
import json
import socket
import ssl
import time

import h2.connection
import h2.config
import h2.events

import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def connected(port, ca, protocols=("h2",), timeout=20):
    plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(plain, server_hostname="localhost")


def frame(kind, flags=0, stream=0, payload=b""):
    """The bytes of one frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(fields):
    """A header block of fields that nobody indexes."""
    def text(value):
        value = value.encode() if isinstance(value, str) else value
        assert len(value) < 127
        return bytes([len(value)]) + value
    return b"".join(b"\0" + text(name) + text(value) for name, value in fields)


class Connection:
    """One connection with any number of requests at once."""

    def __init__(self, port, ca):
        self.socket = connected(port, ca)
        assert self.socket.selected_alpn_protocol() == "h2"
        # A test sends fields that a client should not.
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False)
        self.http = h2.connection.H2Connection(config)
        self.http.initiate_connection()
        self.flush()
        self.streams, self.goaway, self.closed = {}, None, False

    def flush(self):
        with contextlib.suppress(OSError):
            self.socket.sendall(self.http.data_to_send())

    def begin(self, fields, body=b"", ends=True):
        """Sends a request; gives its stream."""
        number = self.http.get_next_available_stream_id()
        self.streams[number] = {"status": None, "fields": [], "body": b"", "ended": False, "reset": None}
        self.http.send_headers(number, fields, end_stream=ends and not body)
        if body:
            self.http.send_data(number, body, end_stream=ends)
        self.flush()
        return number

    def more(self, seconds=10):
        """Reads what comes; False when nothing came in time or the connection ended."""
        self.socket.settimeout(max(0.001, seconds))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, socket.timeout):
            return False
        except (OSError, ssl.SSLError):
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.http.receive_data(data):
            self._take(event)
        self.flush()
        return True

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ResponseReceived):
            stream["fields"] = [(name, value) for name, value in event.headers if not name.startswith(":")]
            stream["status"] = int(dict(event.headers)[":status"])
        elif isinstance(event, h2.events.DataReceived):
            stream["body"] += event.data
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            stream["ended"] = True
        elif isinstance(event, h2.events.StreamReset):
            stream["reset"] = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = int(event.error_code)

    def until(self, condition, seconds=10):
        """Reads until `condition()`; gives whether it holds."""
        deadline = time.monotonic() + seconds
        while not condition() and not self.closed and time.monotonic() < deadline:
            self.more(deadline - time.monotonic())
        return condition()

    def over(self, number):
        stream = self.streams[number]
        return stream["ended"] or stream["reset"] is not None

    def answer(self, number, seconds=20):
        """The whole answer on a stream; None when there is none."""
        self.until(lambda: self.over(number), seconds)
        stream = self.streams[number]
        if stream["status"] is None:
            return None
        return wire.Answer(stream["status"], stream["fields"], stream["body"], stream["ended"])

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()


class Agent(wire.Agent):
    """An MCP client whose every request is a stream of one connection."""

    def _fields(self, method, fields):
        own = [(name.lower(), value) for name, value in fields if name.lower() not in ("host", "connection")]
        return [(":method", method), (":scheme", "https"), (":authority", self.authority), (":path", self.path)] + own

    def connection(self):
        if self._connection is None:
            self._connection = Connection(self.port, self.ca)
        return self._connection

    def post(self, message, **fields):
        return self.connection().answer(self.begin(message, **fields))

    def begin(self, message, **fields):
        """Posts without waiting for the answer; gives the stream."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.connection().begin(self._fields("POST", self.fields(**fields)), body)

    def begin_listening(self):
        own = self.fields(Accept="text/event-stream", Content_Type=None)
        return self.connection().begin(self._fields("GET", own))

    def begin_call(self, tool, arguments=None, **more):
        self.last_id += 1
        params = {"name": tool, "arguments": arguments or {}} | more
        return self.begin({"jsonrpc": "2.0", "id": self.last_id, "method": "tools/call", "params": params})

    def raw_request(self, method, path, fields, body=b""):
        """Any request with lower-case names; None when there is no answer."""
        pseudo = [(":method", method), (":scheme", "https"), (":authority", self.authority), (":path", path)]
        return self.connection().answer(self.connection().begin(pseudo + fields, body))

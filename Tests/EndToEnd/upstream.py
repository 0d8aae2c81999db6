"""An upstream that sends exact bytes: for faults on the wire below what the sample server can do wrong."""
import json
import socket
import ssl
import threading

OPENED = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "raw", "version": "1"}}
LISTED = {"tools": [{"name": "list_apps", "description": "List apps.", "inputSchema": {"type": "object"}}]}


class RawUpstream:
    """Serves MCP over TLS; what a `tools/call` is answered with is up to `script(request body) -> bytes`, and a GET to
    `stream(fields) -> bytes`. `heads` has the fields of every request, `listed` the result of `tools/list`."""

    def __init__(self, certificates, script=None, stream=None):
        self.script, self.stream = script, stream
        self.calls = 0
        self.heads, self.listed = [], LISTED
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}/mcp"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                connection.settimeout(60)
                while self._one(connection):
                    pass
        except OSError:
            pass

    def _one(self, connection):
        """Reads one request and answers it. False when the connection is to be closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return False
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        fields = {name.lower(): value.strip() for name, _, value in
                  (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])}
        while len(body) < int(fields.get("content-length", 0)):
            body += connection.recv(65536)
        self.heads.append(fields | {":method": head.split(b" ")[0].decode()})
        if head.startswith(b"GET ") and self.stream:
            connection.sendall(self.stream(fields))
            return False
        if head.startswith(b"GET "):
            connection.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return True
        if head.startswith(b"DELETE "):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return True
        message = json.loads(body)
        if "id" not in message:
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            return True
        results = {"initialize": OPENED, "tools/list": self.listed}
        if message["method"] in results:
            connection.sendall(answer({"jsonrpc": "2.0", "id": message["id"], "result": results[message["method"]]},
                                      [("Mcp-Session-Id", "raw-session")]))
            return True
        self.calls += 1
        raw = self.script(message)
        if raw is not None:
            connection.sendall(raw)
        # Whatever was sent, this is all of it: an answer that says otherwise is cut.
        return False


def answer(message, fields=()):
    """A right answer."""
    body = json.dumps(message).encode()
    own = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *fields]
    return b"HTTP/1.1 200 OK\r\n" + "".join(f"{n}: {v}\r\n" for n, v in own).encode() + b"\r\n" + body


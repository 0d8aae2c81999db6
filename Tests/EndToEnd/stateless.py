"""A client of 2026-07-28, close to the bytes, and what that revision's schema says of what it hears."""
import base64
import json
import os
import pathlib

import pytest
import wire

VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"
TASKS = "io.modelcontextprotocol/tasks"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri", "tasks/get": "taskId",
         "tasks/update": "taskId", "tasks/cancel": "taskId"}


def mirrored(text):
    """A value as a field carries it."""
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


class Agent(wire.Agent):
    """Every request stands alone."""

    def __init__(self, url, ca, token=None, capabilities=None):
        super().__init__(url, ca, token, VERSION)
        self.capabilities = {} if capabilities is None else capabilities

    def message(self, method, params=None, id=None, meta=None):
        self.last_id += 1
        claim = {META + "protocolVersion": VERSION, META + "clientCapabilities": self.capabilities,
                 META + "clientInfo": {"name": "agent", "version": "1"}} | (meta or {})
        return {"jsonrpc": "2.0", "id": self.last_id if id is None else id, "method": method,
                "params": (params or {}) | {"_meta": claim}}

    def mirrors(self, message):
        fields = {"MCP_Protocol_Version": VERSION, "Mcp_Method": message["method"]}
        name = message["params"].get(NAMED.get(message["method"]))
        return fields | ({"Mcp_Name": mirrored(name)} if isinstance(name, str) else {})

    def ask(self, method, params=None, id=None, meta=None, **fields):
        message = self.message(method, params, id, meta)
        return self.post(message, **(self.mirrors(message) | fields))

    def call(self, tool, arguments=None, meta=None, fields=None, **more):
        return self.ask("tools/call", {"name": tool, "arguments": arguments or {}} | more, meta=meta, **(fields or {}))

    def stream(self, method, params=None, meta=None):
        """Asks and leaves the answer's stream, or whatever it is, open."""
        message = self.message(method, params, meta=meta)
        body = json.dumps(message).encode()
        return self._stream(wire.request("POST", self.path, self.fields(**self.mirrors(message)), body))

    def begun(self, method, params=None):
        """Asks, and gives the connection, on which nothing has come yet."""
        message = self.message(method, params)
        connection = wire.Connection(self.port, self.ca)
        connection.send(wire.request("POST", self.path, self.fields(**self.mirrors(message)), json.dumps(message).encode()))
        return connection


SHARED = pathlib.Path(os.environ.get("KOMAINU_SHARED") or pathlib.Path(__file__).resolve().parents[3] / "shared")


class Schema:
    """What a revision's schema says."""

    def __init__(self, version):
        path = SHARED / "data/mcp-schema" / f"{version}.json"
        if not path.exists():
            pytest.skip(f"{path} is not there: what we say is not compared with the schema")
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.names = self.document.get("$defs") or self.document["definitions"]
        self.place = "$defs" if "$defs" in self.document else "definitions"

    def check(self, value, name):
        """Fails unless a value is what the schema calls by that name."""
        import jsonschema
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", self.place: self.names,
                  "$ref": f"#/{self.place}/{name}"}
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
        assert not errors, (name, errors[0].message, list(errors[0].absolute_path), value)

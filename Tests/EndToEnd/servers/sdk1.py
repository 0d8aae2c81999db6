"""A server of everything by the official SDK, major version 1: `sdk1.py PORT CERTIFICATE KEY [json] [stateless] [resumable]`."""
import sys

import everything
from everything import Context
from mcp.server.fastmcp import FastMCP
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.transport_security import TransportSecuritySettings

MODES = sys.argv[4:]


class Memory(EventStore):
    """Every event of every stream, so that any of them can be resumed."""

    def __init__(self):
        self.events = []

    async def store_event(self, stream_id, message):
        self.events.append((stream_id, message))
        return str(len(self.events))

    async def replay_events_after(self, last_event_id, send_callback):
        place = int(last_event_id) - 1
        stream = self.events[place][0]
        for number, (of, message) in list(enumerate(self.events))[place + 1:]:
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number + 1)))
        return stream


server = FastMCP(
    "everything", instructions="Ask for anything.", json_response="json" in MODES, stateless_http="stateless" in MODES,
    event_store=Memory() if "resumable" in MODES else None, retry_interval=100 if "resumable" in MODES else None,
    transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False))
everything.furnish(server, Context)
everything.serve(server.streamable_http_app())

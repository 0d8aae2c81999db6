"""A server of everything by the official SDK, major version 2, both eras: `sdk2.py PORT CERTIFICATE KEY [json] [stateless]`."""
import sys

import everything
from everything import Context
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

MODES = sys.argv[4:]
server = MCPServer("everything", instructions="Ask for anything.")
everything.furnish(server, Context)
everything.serve(server.streamable_http_app(
    json_response="json" in MODES, stateless_http="stateless" in MODES,
    transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False)))

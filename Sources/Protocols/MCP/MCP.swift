// The MCP room.

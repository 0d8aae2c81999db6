"""FastMCP's client, over TLS with a CA of our own."""
import ssl

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp import types

import plan as plans


class Session:
    """FastMCP's client in the words of the SDK's."""

    def __init__(self, client):
        self.send_ping = client.ping
        self.list_resources, self.list_resource_templates = client.list_resources_mcp, client.list_resource_templates_mcp
        self.read_resource, self.list_prompts = client.read_resource_mcp, client.list_prompts_mcp
        self.get_prompt, self.complete = client.get_prompt_mcp, client.complete_mcp
        self.client = client

    async def list_tools(self, cursor=None):
        return await self.client.list_tools_mcp(cursor=cursor)

    async def call_tool(self, name, arguments, progress_callback=None):
        return await self.client.call_tool_mcp(name, arguments, progress_handler=progress_callback)


async def run(plan):
    context = ssl.create_default_context(cafile=plan["ca"])
    asked = plans.answering(plan)
    more = {}
    if asked:
        async def answer(message, response_type, params, context):
            result = await asked["elicitation_callback"](context, params)
            return result.content
        more["elicitation_handler"] = answer
    transport = StreamableHttpTransport(plan["url"], headers=plan.get("headers") or {}, verify=context)
    info = types.Implementation(name="fastmcp", version="4.1")
    async with Client(transport, mode=plan.get("mode", "auto"), client_info=info, timeout=60, **more) as client:
        opened = {"version": client.protocol_version, "server": client.server_info and client.server_info.name,
                  "capabilities": plans.dumped(client.server_capabilities), "instructions": client.instructions}
        await plans.follow(plan, Session(client), opened)


plans.main(run)

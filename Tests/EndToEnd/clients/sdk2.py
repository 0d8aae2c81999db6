"""The official Python SDK, major version 2, over TLS with a CA of our own. `mode` is auto (probes first) or legacy."""
import ssl

import httpx2
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client

import plan as plans


async def run(plan):
    context = ssl.create_default_context(cafile=plan["ca"])
    timeout = httpx2.Timeout(10, read=60)
    async with httpx2.AsyncClient(verify=context, headers=plan.get("headers") or {}, timeout=timeout) as http:
        transport = streamable_http_client(plan["url"], http_client=http)
        client = Client(transport, mode=plan.get("mode", "auto"), **plans.answering(plan),
                        client_info=types.Implementation(name="sdk2", version="2.3"))
        async with client:
            opened = {"version": client.protocol_version, "server": client.server_info and client.server_info.name,
                      "capabilities": plans.dumped(client.server_capabilities), "instructions": client.instructions}
            await plans.follow(plan, client, opened)


plans.main(run)

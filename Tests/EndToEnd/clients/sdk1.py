"""The official Python SDK, major version 1, over TLS with a CA of our own."""
import ssl

import httpx
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client

import plan as plans


async def run(plan):
    context = ssl.create_default_context(cafile=plan["ca"])
    timeout = httpx.Timeout(10, read=60)
    async with httpx.AsyncClient(verify=context, headers=plan.get("headers") or {}, timeout=timeout) as client:
        async with streamable_http_client(plan["url"], http_client=client) as (read, write, session_id):
            info = types.Implementation(name="sdk1", version="1.30")
            async with ClientSession(read, write, client_info=info, **plans.answering(plan)) as session:
                started = await session.initialize()
                opened = {"version": started.protocolVersion, "server": started.serverInfo.name,
                          "capabilities": plans.dumped(started.capabilities), "session": session_id(),
                          "instructions": started.instructions}
                await plans.follow(plan, session, opened)


plans.main(run)

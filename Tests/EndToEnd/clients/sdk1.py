"""The official Python SDK, major version 1: over TLS with a CA of our own, or over the pipes of a program it starts."""
import contextlib
import ssl

import httpx
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

import plan as plans


@contextlib.asynccontextmanager
async def connected(plan):
    if "command" in plan:
        with open(plan["errors"], "a", encoding="utf-8") as errors:
            program = StdioServerParameters(
                command=plan["command"][0], args=plan["command"][1:], env=plan.get("environment"))
            async with stdio_client(program, errlog=errors) as (read, write):
                yield read, write, lambda: None
        return
    context = ssl.create_default_context(cafile=plan["ca"])
    timeout = httpx.Timeout(10, read=60)
    async with httpx.AsyncClient(verify=context, headers=plan.get("headers") or {}, timeout=timeout,
                                 http2=plan.get("http2", False)) as client:
        async with streamable_http_client(plan["url"], http_client=client) as streams:
            yield streams


async def run(plan):
    async with connected(plan) as (read, write, session_id):
        info = types.Implementation(name="sdk1", version="1.30")
        async with ClientSession(read, write, client_info=info, **plans.answering(plan)) as session:
            started = await session.initialize()
            opened = {"version": started.protocolVersion, "server": started.serverInfo.name,
                      "capabilities": plans.dumped(started.capabilities), "session": session_id(),
                      "instructions": started.instructions}
            await plans.follow(plan, session, opened)


plans.main(run)

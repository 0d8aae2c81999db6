"""The official Python SDK, major version 2: over TLS with a CA of our own, or over the pipes of a program it starts.
`mode` is auto (probes first) or legacy."""
import contextlib
import ssl

import httpx2
from mcp import Client, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

import plan as plans


@contextlib.asynccontextmanager
async def reached(plan):
    if "command" in plan:
        with open(plan["errors"], "a", encoding="utf-8") as errors:
            program = StdioServerParameters(
                command=plan["command"][0], args=plan["command"][1:], env=plan.get("environment"))
            yield stdio_client(program, errlog=errors)
        return
    context = ssl.create_default_context(cafile=plan["ca"])
    timeout = httpx2.Timeout(10, read=60)
    async with httpx2.AsyncClient(verify=context, headers=plan.get("headers") or {}, timeout=timeout) as http:
        yield streamable_http_client(plan["url"], http_client=http)


async def run(plan):
    async with reached(plan) as transport:
        client = Client(transport, mode=plan.get("mode", "auto"), **plans.answering(plan),
                        client_info=types.Implementation(name="sdk2", version="2.3"))
        async with client:
            opened = {"version": client.protocol_version, "server": client.server_info and client.server_info.name,
                      "capabilities": plans.dumped(client.server_capabilities), "instructions": client.instructions}
            await plans.follow(plan, client, opened)


plans.main(run)

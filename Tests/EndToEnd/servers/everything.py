"""What both servers of everything offer. Runs in the environment of either SDK."""
import asyncio
import sys
from typing import Annotated

import uvicorn
from pydantic import BaseModel, Field

try:
    from mcp.server.fastmcp import Context
except ImportError:
    from mcp.server.mcpserver import Context
from mcp import types

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Sum(BaseModel):
    total: int
    parts: list[int]


class Name(BaseModel):
    name: str = Field(description="What to call you")


def furnish(server, context):
    """Tools, resources, prompts and completions."""
    furnish_tools(server)
    furnish_rest(server)


def furnish_tools(server):
    @server.tool(description="Adds two numbers.")
    def add(a: int, b: Annotated[int, Field(description="the second")] = 0) -> Sum:
        return Sum(total=a + b, parts=[a, b])

    @server.tool(description="Says what it was told.", structured_output=False)
    def echo(text: str) -> str:
        return text

    @server.tool(description="Fails.", structured_output=False)
    def fail(reason: str) -> str:
        raise ValueError(reason)

    @server.tool(description="Every kind of content.", structured_output=False)
    def contents() -> list:
        return [
            types.TextContent(type="text", text="Grüße, 世界 \U0001f98a"),
            types.ImageContent.model_validate({"type": "image", "data": PIXEL, "mimeType": "image/png"}),
            types.EmbeddedResource.model_validate({"type": "resource", "resource": {
                "uri": "trial://notes/one", "mimeType": "text/plain", "text": "a note"}}),
            types.ResourceLink.model_validate({"type": "resource_link", "uri": "trial://notes/two", "name": "two"}),
        ]

    @server.tool(description="Reports its progress.", structured_output=False)
    async def steps(count: int, ctx: Context, pause: float = 0) -> str:
        for number in range(1, count + 1):
            await ctx.report_progress(number, count, f"step {number}")
            await asyncio.sleep(pause)
        return f"{count} steps"

    @server.tool(description="Asks the user for a name.", structured_output=False)
    async def ask(ctx: Context) -> str:
        answer = await ctx.elicit("Who are you?", Name)
        return f"{answer.action} {answer.data.name if answer.action == 'accept' else ''}"


def furnish_rest(server):
    @server.resource("trial://notes/one", name="one", mime_type="text/plain")
    def one() -> str:
        return "a note"

    @server.resource("trial://notes/by/{author}", name="by", mime_type="application/json")
    def by(author: str) -> str:
        return '{"author": "%s", "lines": 3}' % author

    @server.prompt(name="greet", description="Greets.")
    def greet(name: str) -> str:
        return f"Say hello to {name}."

    @server.completion()
    async def complete(ref, argument, context):
        words = [word for word in ("ada", "alan", "grace") if word.startswith(argument.value)]
        return types.Completion(values=words, total=len(words))


def serve(app):
    """Over TLS on 127.0.0.1, until killed."""
    port, certificate, key = sys.argv[1:4]
    uvicorn.run(app, host="127.0.0.1", port=int(port), ssl_certfile=certificate, ssl_keyfile=key, log_level="warning")

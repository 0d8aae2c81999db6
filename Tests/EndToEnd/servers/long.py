"""A server of what takes long, by the official SDK, major version 1: `long.py PORT CERTIFICATE KEY`.

Its streams can be resumed, one tool closes its stream in the middle, one asks, one is a task.
"""
import asyncio
import contextlib
import sys

import uvicorn
from mcp import types
from mcp.server.fastmcp.server import StreamableHTTPASGIApp
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Route

SAYS = "grace@example.com is done"
server = Server("long")
server.experimental.enable_tasks()


class Memory(EventStore):
    def __init__(self):
        self.events = []

    async def store_event(self, stream_id, message):
        self.events.append((stream_id, message))
        return f"vendor-event-{len(self.events)}"

    async def replay_events_after(self, last_event_id, send_callback):
        place = int(last_event_id.removeprefix("vendor-event-")) - 1
        stream = self.events[place][0]
        for number, (of, message) in list(enumerate(self.events))[place + 1:]:
            if of == stream and message is not None:
                await send_callback(EventMessage(message, f"vendor-event-{number + 1}"))
        return stream


def tool(name, **more):
    return types.Tool(name=name, description=name, inputSchema={"type": "object"}, **more)


@server.list_tools()
async def tools():
    return [tool("poll"), tool("slow"), tool("ask"),
            tool("export", execution=types.ToolExecution(taskSupport=types.TASK_OPTIONAL))]


@server.call_tool()
async def call(name, arguments):
    context = server.request_context
    say = [types.TextContent(type="text", text=SAYS)]
    if name == "export":
        async def work(task):
            await task.update_status("at grace@example.com")
            await asyncio.sleep(0.3)
            return types.CallToolResult(content=say)
        return await context.experimental.run_task(work, model_immediate_response="ask grace@example.com meanwhile")
    if name == "ask":
        answer = await context.session.elicit_form(
            "For grace@example.com: who are you?",
            {"type": "object", "properties": {"name": {"type": "string"}}}, related_request_id=context.request_id)
        return [types.TextContent(type="text", text=f"{answer.action} {answer.content}")]
    await context.session.send_progress_notification(
        context.meta.progressToken if context.meta else 0, 0.5, 1, "at grace@example.com",
        related_request_id=str(context.request_id))
    if name == "poll":
        await context.close_sse_stream()
    await asyncio.sleep(1)
    return say


manager = StreamableHTTPSessionManager(server, event_store=Memory(), retry_interval=100)


@contextlib.asynccontextmanager
async def lifespan(app):
    async with manager.run():
        yield


port, certificate, key = sys.argv[1:4]
uvicorn.run(Starlette(routes=[Route("/mcp", StreamableHTTPASGIApp(manager))], lifespan=lifespan), host="127.0.0.1",
            port=int(port), ssl_certfile=certificate, ssl_keyfile=key, log_level="warning")

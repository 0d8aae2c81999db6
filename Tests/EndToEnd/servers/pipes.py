"""The server of everything over its standard streams, by the SDK of the environment it runs in, with tools that go wrong:
`pipes.py [deaf] [fails] [stays]`. Every process adds its number to the file that STARTED names."""
import os

# Before anything else opens more.
DESCRIPTORS = sorted(os.listdir("/proc/self/fd"))

import asyncio
import signal
import subprocess
import sys

import everything
from everything import Context

try:
    from mcp.server.fastmcp import FastMCP as Server
except ImportError:
    from mcp.server.mcpserver import MCPServer as Server

MODES = sys.argv[1:]
with open(os.environ["STARTED"], "a", encoding="utf-8") as started:
    started.write(f"{os.getpid()}\n")
if "fails" in MODES:
    sys.exit("this never works")
if "stays" in MODES:
    # One that ignores every polite request, with a child that does so too.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(300)"])
    with open(os.environ["STARTED"], "a", encoding="utf-8") as started:
        started.write(f"{child.pid}\n")
server = Server("everything", instructions="Ask for anything.")
everything.furnish(server, Context)


@server.tool(description="Ends.", structured_output=False)
def crash() -> str:
    os._exit(7)


@server.tool(description="Never answers.", structured_output=False)
async def hang() -> str:
    try:
        await asyncio.sleep(300)
    finally:
        print("the hanging call was cancelled", file=sys.stderr, flush=True)
    return "never"


@server.tool(description="Complains.", structured_output=False)
def complain(line: str, times: int = 1) -> str:
    for number in range(times):
        print(f"{line} {number}", file=sys.stderr)
    sys.stderr.flush()
    return "done"


@server.tool(description="Writes what is no message.", structured_output=False)
def garbage(text: str) -> str:
    os.write(1, text.encode() + b"\n")
    return "done"


@server.tool(description="What the process has.", structured_output=False)
def surroundings() -> str:
    return str({"environment": sorted(os.environ.items()), "descriptors": DESCRIPTORS,
                "group": os.getpgid(0) == os.getpid(), "process": os.getpid()})


server.run("stdio")
if "stays" in MODES:
    while True:
        signal.pause()

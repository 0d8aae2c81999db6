"""A client of either SDK that has no token and gets one by OAuth: `{"url", "ca"}` comes in, `{"tools"}` goes out."""
import asyncio
import json
import ssl
import sys
import urllib.parse

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

try:
    import httpx2 as httpx
    from mcp.client.auth import AuthorizationCodeResult
except ImportError:
    import httpx
    AuthorizationCodeResult = None


class Memory:
    tokens = information = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.information

    async def set_client_info(self, information):
        self.information = information


async def run(plan):
    context = ssl.create_default_context(cafile=plan["ca"])
    gone_to = []

    async def redirect(url):
        async with httpx.AsyncClient(verify=context) as browser:
            gone_to.append((await browser.get(url)).headers["location"])

    async def callback():
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(gone_to[-1]).query))
        if AuthorizationCodeResult:
            return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])
        return query["code"], query["state"]

    provider = OAuthClientProvider(
        server_url=plan["url"], storage=Memory(), redirect_handler=redirect, callback_handler=callback,
        client_metadata=OAuthClientMetadata(client_name="agent", redirect_uris=["http://localhost:1/callback"]))
    async with httpx.AsyncClient(verify=context, auth=provider, timeout=20) as client:
        async with streamable_http_client(plan["url"], http_client=client) as streams:
            async with ClientSession(streams[0], streams[1]) as session:
                await session.initialize()
                tools = (await session.list_tools()).tools
    print(json.dumps({"tools": [tool.name for tool in tools]}))


asyncio.run(run(json.loads(sys.stdin.read())))

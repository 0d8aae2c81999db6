"""OAuth clients: told where to get a token, they get one and come back with it. The authorization server is the test's own."""
import http.server
import json
import ssl
import subprocess
import threading
import urllib.parse

import pytest

import conftest
import house as houses
import wire
from test_identity import knock
from test_issuers import Issuer, door
from test_published_keys import jwk


class AuthorizationServer:
    """Metadata (RFC 8414), registration (RFC 7591), a grant that everybody gets, and tokens for the resource that was asked for."""

    def __init__(self, certificates, folder):
        self.issuer = Issuer(folder)
        self.asked = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, value=None, **fields):
                body = json.dumps(value).encode() if value is not None else b""
                self.send_response(status)
                for name, text in fields.items():
                    self.send_header(name, text)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                asked = dict(urllib.parse.parse_qsl(url.query))
                server.asked.append(url.path)
                if url.path == "/keys":
                    return self.answer(200, {"keys": [jwk(server.issuer, "a")]})
                if url.path == "/.well-known/oauth-authorization-server":
                    return self.answer(200, server.metadata())
                if url.path == "/authorize":
                    server.resource = asked["resource"]
                    back = urllib.parse.urlencode({"code": "c", "state": asked["state"], "iss": server.url})
                    return self.answer(302, Location=f"{asked['redirect_uri']}?{back}")
                return self.answer(404)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.asked.append(self.path)
                if self.path == "/register":
                    return self.answer(201, json.loads(body) | {"client_id": "agent"})
                form = dict(urllib.parse.parse_qsl(body.decode()))
                token = server.issuer.token({"kid": "a"}, iss=server.url, aud=form["resource"], groups=["operators"])
                return self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 300})

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def metadata(self):
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register", "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"], "authorization_response_iss_parameter_supported": True,
        }

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def authority(certificates, tmp_path_factory):
    server = AuthorizationServer(certificates, tmp_path_factory.mktemp("authority"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def shared(build, authority, certificates):
    made = build()
    made.settings = f"""
issuers:
  - {{name: authority, issuer: "{authority.url}", audience: "{door(made)}", algorithms: [RS256], groups: groups,
     jwks: {{url: "{authority.url}/keys", ca: {certificates}/ca.pem, private_address: true}}}}
"""
    made.write_configuration()
    try:
        yield conftest.opened(made)
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


def get(house, path):
    connection = wire.Connection(house.port, house.ca)
    connection.send(wire.request("GET", path, [("Host", f"localhost:{house.port}")]))
    answer = connection.answer()
    connection.close()
    return answer


def test_the_metadata_names_the_resource_as_people_paste_it(shared, authority):
    answer = get(shared, "/.well-known/oauth-protected-resource/u/torii/mcp")
    assert answer.status == 200 and answer.field("access-control-allow-origin") == "*"
    assert json.loads(answer.body) == {
        "resource": door(shared), "authorization_servers": [authority.url], "bearer_methods_supported": ["header"]}


def test_a_challenge_says_where_the_metadata_stands(shared):
    place = f"https://localhost:{shared.port}/.well-known/oauth-protected-resource/u/torii/mcp"
    assert knock(shared, door(shared)).field("www-authenticate") == f'Bearer resource_metadata="{place}"'
    assert knock(shared, door(shared), "nonsense").field("www-authenticate") == (
        f'Bearer error="invalid_token", resource_metadata="{place}"')
    # A URL that is a capability is its own credential: nobody is sent to an authorization server for it.
    assert "metadata" not in (knock(shared, shared.endpoint(dual=True).url).field("www-authenticate") or "")


@pytest.mark.parametrize("path", [
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/u/nowhere/mcp",
    "/.well-known/oauth-protected-resource/mcp/abc", "/.well-known/oauth-protected-resource/u/torii/mcp/",
    "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/authorize", "/token", "/register",
    "/.well-known/oauth-authorization-server/u/torii/mcp",
])
def test_nothing_else_is_told_and_nothing_of_it_reaches_the_vendor(shared, path):
    before = shared.reached()
    assert get(shared, path).status == 404
    assert shared.reached() == before


@pytest.mark.parametrize("kind", ["sdk1", "sdk2"])
def test_a_client_gets_a_token_by_itself_and_works(shared, authority, kind):
    environment = houses.ROOT / f".venv/mcp{kind[-1]}/bin/python"
    plan = {"url": door(shared), "ca": str(shared.ca)}
    done = subprocess.run(
        [environment, "-W", "ignore", houses.HERE / "clients/oauth.py"], input=json.dumps(plan), text=True,
        capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert "list_apps" in told["tools"] and authority.resource == door(shared)
    assert "/register" in authority.asked and "/token" not in [r["path"] for r in shared.received()]


def test_a_token_for_another_resource_of_the_same_server_is_refused(shared, authority):
    good = authority.issuer.token({"kid": "a"}, iss=authority.url, aud=door(shared))
    assert knock(shared, door(shared), good).status == 200
    for audience in (f"https://localhost:{shared.port}", door(shared) + "/", [f"https://localhost:{shared.port}/u/other/mcp"]):
        other = authority.issuer.token({"kid": "a"}, iss=authority.url, aud=audience)
        assert knock(shared, door(shared), other).status == 401

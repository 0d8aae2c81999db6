"""An issuer that publishes its keys: fetched, fetched again when it uses a new one, kept while it is down, and for how long."""
import http.server
import json
import ssl
import subprocess
import threading
import time

import pytest

import house as houses
import wire
from test_identity import knock
from test_issuers import ISSUER, Issuer, door, encoded


class Keys:
    """A key server over TLS that can be down, slow or wrong."""

    def __init__(self, certificates):
        self.document, self.requests, self.status = {"keys": []}, [], 200
        keys = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                keys.requests.append((time.monotonic(), self.path, dict(self.headers)))
                body = json.dumps(keys.document).encode()
                self.send_response(keys.status)
                self.send_header("Content-Length", str(len(body)))
                if keys.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, **issuers):
        self.document = {"keys": [jwk(issuer, name) for name, issuer in issuers.items()]}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def jwk(issuer, name):
    """The issuer's public key as a JWK; openssl reads its modulus."""
    done = subprocess.run(["openssl", "rsa", "-in", issuer.key, "-noout", "-modulus"], check=True, capture_output=True, text=True)
    modulus = bytes.fromhex(done.stdout.strip().partition("=")[2])
    return {"kty": "RSA", "use": "sig", "kid": name, "n": encoded(modulus), "e": "AQAB"}


@pytest.fixture
def keys(certificates):
    server = Keys(certificates)
    yield server
    server.close()


def issued(keys, certificates, **more):
    options = {"url": keys.url, "ca": str(certificates / "ca.pem"), "private_address": "true"} | more
    jwks = ", ".join(f"{name}: {value}" for name, value in options.items())
    return f"""
issuers:
  - {{name: northquay, issuer: "{ISSUER}", audience: komainu, algorithms: [RS256], jwks: {{{jwks}}}, groups: groups}}
"""


@pytest.fixture
def opened(build, keys, certificates):
    houses_made = []

    def make(**more):
        house = build(settings=issued(keys, certificates, **more))
        houses_made.append(house)
        house.start_sample()
        return house.start()
    yield make
    for house in houses_made:
        house.close()


def test_a_token_is_verified_by_the_published_key_at_the_first_request(opened, keys, tmp_path):
    issuer = Issuer(tmp_path)
    keys.publish(a=issuer)
    house = opened()
    agent = wire.Agent(door(house), house.ca, issuer.token({"kid": "a"})).open()
    assert agent.call("list_apps", {"size": 1}).status == 200
    assert len(keys.requests) == 1 and keys.requests[0][1] == "/keys"
    assert house.stop() == 0
    house.verify()


def test_a_key_that_is_new_is_fetched_once_and_strangers_cannot_make_us_ask(opened, keys, tmp_path):
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    old, new = map(Issuer, folders)
    keys.publish(a=old)
    house = opened()
    assert knock(house, door(house), old.token({"kid": "a"})).status == 200
    # Within the pause after a look, an unknown key is a refusal like any other, and nobody is asked.
    keys.publish(a=old, b=new)
    for _ in range(20):
        assert knock(house, door(house), new.token({"kid": "b"})).status == 401
    assert len(keys.requests) == 1


def test_an_issuer_that_is_down_makes_nobody_throw_a_token_away(opened, keys, tmp_path):
    issuer = Issuer(tmp_path)
    keys.publish(a=issuer)
    keys.status = 503
    house = opened()
    answer = knock(house, door(house), issuer.token({"kid": "a"}))
    assert answer.status == 503, answer
    assert "issuer.keys_unavailable" in house.log()
    # Other doors are not concerned.
    assert house.agent().ask("tools/list").status == 200


@pytest.mark.parametrize("status, document", [(302, None), (404, None), (200, {"keys": []}), (200, ["keys"]), (200, {"keys": "x" * 300_000})],
                         ids=["redirect", "missing", "empty", "a list", "too large"])
def test_an_answer_that_is_no_key_set_opens_nothing(opened, keys, tmp_path, status, document):
    issuer = Issuer(tmp_path)
    keys.publish(a=issuer)
    keys.status, keys.document = status, document or keys.document
    house = opened()
    assert knock(house, door(house), issuer.token({"kid": "a"})).status == 503
    assert {path for _, path, _ in keys.requests} == {"/keys"}


def test_a_key_set_inside_our_own_network_is_not_asked_for_unless_named(opened, keys, tmp_path):
    issuer = Issuer(tmp_path)
    keys.publish(a=issuer)
    house = opened(private_address="false")
    assert knock(house, door(house), issuer.token({"kid": "a"})).status == 503
    assert not keys.requests
    assert "isn't public" in house.log()


def test_a_reload_keeps_the_keys_of_an_issuer_that_stayed_the_same(opened, keys, tmp_path):
    issuer = Issuer(tmp_path)
    keys.publish(a=issuer)
    house = opened()
    agent = wire.Agent(door(house), house.ca, issuer.token({"kid": "a"})).open()
    stream = agent.listen()
    seen = house.next_seq()
    house.configuration.write_text(house.configuration.read_text(encoding="utf-8") + "\n# another day\n", encoding="utf-8")
    house.signal(houses.signal.SIGHUP)
    house.await_record("config.changed", since=seen)
    keys.status = 503
    assert agent.ask("tools/list").status == 200
    assert stream.is_open()
    assert len(keys.requests) == 1

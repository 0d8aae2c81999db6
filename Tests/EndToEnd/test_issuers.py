"""Tokens of an issuer and signed tokens of our own, at the door `/u/<upstream>/mcp`."""
import base64
import json
import subprocess
import time

import pytest

import wire
from test_identity import INITIALIZE, knock, look

ISSUER = "https://issuer.northquay.example"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An issuer with an RSA key; openssl signs."""

    def __init__(self, folder):
        self.key, self.public = folder / "issuer.key", folder / "issuer.pem"
        for words in (["genrsa", "-out", self.key, "2048"], ["rsa", "-in", self.key, "-pubout", "-out", self.public]):
            subprocess.run(["openssl", *words], check=True, capture_output=True)

    def token(self, header=None, key=None, **claims):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "komainu", "sub": "ada", "groups": ["operators"], "iat": now, "exp": now + 300} | claims
        claims = {name: value for name, value in claims.items() if value is not None}
        parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"} | (header or {}), claims)]
        signed = ".".join(parts)
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", key or self.key], input=signed.encode(), check=True, capture_output=True)
        return f"{signed}.{encoded(done.stdout)}"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def shared(build, issuer):
    made = build(settings=f"""
issuers:
  - {{name: northquay, issuer: "{ISSUER}", audience: komainu, algorithms: [RS256], keys: [{issuer.public}], groups: groups}}
""")
    try:
        made.start_sample()
        yield made.start()
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


def door(house):
    return f"https://localhost:{house.port}/u/torii/mcp"


def test_a_jwt_of_the_issuer_opens_the_door_and_its_claims_decide(shared, issuer):
    writer = wire.Agent(door(shared), shared.ca, issuer.token()).open()
    assert "sample_reset_data" not in writer.tools()
    reader = wire.Agent(door(shared), shared.ca, issuer.token(sub="bob", groups=["readers"])).open()
    assert set(reader.tools()) < set(writer.tools())
    seen = shared.next_seq()
    assert writer.call("list_apps", {"size": 1}).status == 200
    record = shared.await_record("call.intent", since=seen, mcp_tool="list_apps")
    assert (record["who"]["auth"], record["who"]["iss"], record["who"]["scopes"]) == ("jwt", "northquay", ["operators"])


@pytest.mark.parametrize("claims, header", [
    ({"exp": 1_700_000_000}, {}), ({"exp": None}, {}), ({"nbf": 4_000_000_000}, {}), ({"aud": "elsewhere"}, {}),
    ({"iss": "https://other.example"}, {}), ({"sub": None}, {}), ({}, {"alg": "none"}), ({}, {"alg": "HS256"}),
    ({}, {"crit": ["exp"]}), ({}, {"typ": "secevent+jwt"}),
], ids=str)
def test_a_jwt_that_is_wrong_in_one_point_looks_like_no_token_at_all(shared, issuer, claims, header):
    reference = look(knock(shared, door(shared), "nonsense"))
    assert reference[0] == 401
    before = shared.reached()
    assert look(knock(shared, door(shared), issuer.token(header, **claims))) == reference
    assert shared.reached() == before


def test_a_jwt_signed_by_another_key_opens_nothing(shared, issuer, tmp_path):
    stranger = Issuer(tmp_path)
    assert knock(shared, door(shared), issuer.token(key=stranger.key)).status == 401
    assert knock(shared, door(shared), issuer.token()).status == 200


def test_a_stream_ends_with_the_jwt_that_opened_it(shared, issuer):
    # Clocks of an issuer and ours may differ by 60 s: that long a token outlives its `exp`.
    agent = wire.Agent(door(shared), shared.ca, issuer.token(exp=int(time.time()) - 57)).open()
    stream = agent.listen()
    assert stream.status == 200 and stream.is_open()
    assert stream.end(6) < 5
    assert agent.ask("tools/list").status == 401


def test_a_signed_token_of_our_own_opens_the_door_until_it_is_revoked(shared):
    made = shared.run("token", "create", "--subject", "eve", "--upstream", "torii", "--signed", "--ttl", "1h", "--json")
    assert made["token"].count(".") == 2
    agent = wire.Agent(door(shared), shared.ca, made["token"]).open()
    assert agent.ask("tools/list").status == 200
    shared.run("token", "revoke", made["id"])
    assert agent.ask("tools/list").status == 401
    assert knock(shared, door(shared), made["token"], INITIALIZE).status == 401


def test_a_token_for_another_upstream_or_an_endpoint_only_does_not_open_the_door(shared):
    endpoint = shared.endpoint(dual=True)
    assert knock(shared, door(shared), shared.token([endpoint])["token"]).status == 401
    assert knock(shared, f"https://localhost:{shared.port}/u/nowhere/mcp", shared.token([endpoint])["token"]).status in (401, 404)

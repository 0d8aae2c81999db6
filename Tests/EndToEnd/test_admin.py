"""The admin API: who may use it, what it does at once, what it leaves behind. Every answer is held against its own OpenAPI
document."""
import datetime
import itertools
import json
import random
import resource
import signal
import threading
import time

import pytest

import admin
import house as houses
import wire

CASES = houses.HERE / "cases/admin"
ROLES = ("reviewer", "operator", "admin")
NOWHERE = "7b1c3c1e-1111-4222-8333-444455556666"


def moment(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def place(build):
    """A house with the API behind TLS, shared by tests that change nothing that others see."""
    made = build(admin_tls=True)
    try:
        made.start_sample()
        made.start()
        made.tokens = {role: made.admin_token(role, name=f"the {role}") for role in ROLES}
        yield made
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


@pytest.fixture
def own(request, build):
    """A house of one's own, whose trail verifies in the end."""
    made = build(admin_tls=True)
    try:
        made.start_sample()
        yield made.start()
        if not request.node.has_failed:
            assert made.stop() in (0, None)
            made.verify()
    finally:
        made.close()


def api(house, role="operator"):
    token = house.tokens[role] if hasattr(house, "tokens") else house.admin_token(role)
    return admin.Api(house, token["token"])


def actions(house, since=0, changes=False):
    """What the API wrote about its orders; or what was written about the changes of the records."""
    return [record for record in house.records("admin.action", since=since) if ("phase" in record["info"]) != changes]


# Who may.

def test_only_health_readiness_and_metrics_are_told_to_anybody(place):
    stranger = admin.Api(place, None)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert stranger.raw("GET", path).status == 200
    described = api(place).description
    for method, path, operation in described.operations():
        if operation.get("security") == []:
            continue
        reply = stranger.raw(method, path.replace("{upstream}", "torii").replace("{id}", NOWHERE), body={})
        assert reply.status == 401, (method, path, reply)
        assert reply.fields["www-authenticate"] == 'Bearer realm="komainu admin"'
        described.check(method, path, reply)


@pytest.mark.parametrize("case", json.loads((CASES / "roles.json").read_text()), ids=lambda case: f"{case['method']} {case['path']}")
def test_each_role_may_what_the_table_says(place, case):
    for role in ROLES:
        chief = api(place, "admin")
        path = case["path"]
        if "@ENDPOINT@" in path:
            path = path.replace("@ENDPOINT@", chief.ask("POST", "/v1/upstreams/torii/endpoints", {"name": "x"}, 201).json["id"])
        if "@TOKEN@" in path:
            body = {"name": "t", "subject": "ada", "upstreams": ["torii"]}
            path = path.replace("@TOKEN@", chief.ask("POST", "/v1/api-tokens", body, 201).json["id"])
        if "@ADMIN@" in path:
            body = {"name": "n", "role": "reviewer"}
            path = path.replace("@ADMIN@", chief.ask("POST", "/v1/admin-tokens", body, 201).json["id"])
        seen = place.next_seq()
        api(place, role).ask(case["method"], path, case.get("body"), code=case[role])
        if case[role] == 403:
            refused = place.await_record("request.refused", since=seen, dec_why="admin_role")
            assert refused["who"]["key"] == place.tokens[role]["id"]


def test_the_table_of_roles_leaves_no_operation_out(place):
    described = api(place).description
    table = {(case["method"], case["path"].split("/@")[0]) for case in json.loads((CASES / "roles.json").read_text())}
    for method, path, operation in described.operations():
        if operation.get("security") != []:
            assert (method, path.replace("{upstream}", "torii").split("/{id}")[0]) in table, (method, path)


@pytest.mark.parametrize("token", ["", "nonsense", "@ENDPOINT@", "@API@", "@REVOKED@", "@ADMIN@x", "@ADMIN@ @ADMIN@"])
def test_whatever_is_wrong_with_a_token_looks_the_same(place, token):
    endpoint = place.endpoint()
    revoked = place.admin_token("admin")
    place.run("admin-token", "revoke", revoked["id"])
    given = token.replace("@ENDPOINT@", endpoint.token).replace("@API@", place.token([endpoint])["token"]) \
        .replace("@REVOKED@", revoked["token"]).replace("@ADMIN@", place.tokens["admin"]["token"])
    stranger = admin.Api(place, None, source=f"127.0.1.{1 + abs(hash(token)) % 200}")
    reply = stranger.raw("GET", "/v1/api-tokens", fields={"Authorization": f"Bearer {given}"})
    assert reply.status == 401
    assert reply.fields["www-authenticate"] == 'Bearer realm="komainu admin", error="invalid_token"'
    assert reply.json["message"] == "a valid admin token is needed"
    place.await_record("auth.failed", who_auth="admin_token")


def test_an_admin_token_is_no_token_for_clients(place):
    token = place.tokens["admin"]["token"]
    agent = wire.Agent(f"https://localhost:{place.port}/u/torii/mcp", place.ca, token)
    assert agent.ask("tools/list").status == 401
    agent.close()
    agent = wire.Agent(f"https://localhost:{place.port}/mcp/{token}", place.ca)
    assert agent.ask("tools/list").status == 404
    agent.close()


def test_a_revoked_admin_token_is_worth_nothing_at_once(own):
    chief = api(own, "admin")
    made = chief.ask("POST", "/v1/admin-tokens", {"name": "a helper", "role": "operator"}, 201).json
    helper = admin.Api(own, made["token"])
    assert helper.get("/v1/admin-tokens/" + made["id"])["role"] == "operator"
    assert chief.ask("DELETE", "/v1/admin-tokens/" + made["id"], code=200).json["revoked_at"]
    assert helper.raw("GET", "/v1/api-tokens").status == 401
    assert chief.ask("DELETE", "/v1/admin-tokens/" + made["id"]).status == 409
    listed = own.run("admin-token", "list", "--json")["result"]
    assert [token["role"] for token in listed] == ["admin", "operator"]
    assert all("token" not in token for token in listed)
    # By the command line it is the same.
    own.run("admin-token", "revoke", listed[0]["id"])
    assert chief.raw("GET", "/v1/api-tokens").status == 401


def test_failures_are_limited_for_their_source_and_keep_nobody_out(own):
    stranger, honest = admin.Api(own, "nonsense", source="127.0.0.7"), admin.Api(own, own.admin_token("reviewer")["token"], source="127.0.0.7")
    statuses = [stranger.raw("GET", "/v1/api-tokens") for _ in range(25)]
    assert [reply.status for reply in statuses[:20]] == [401] * 20
    assert statuses[-1].status == 429 and int(statuses[-1].fields["retry-after"]) >= 1
    # Whoever knows their token is served from the same address, and strangers elsewhere hear what they always hear.
    assert honest.raw("GET", "/v1/api-tokens").status == 200
    assert admin.Api(own, "nonsense", source="127.0.0.8").raw("GET", "/v1/api-tokens").status == 401
    records = [record for record in own.records("auth.failed") if record["dec"]["why"].startswith("admin_")]
    assert 1 <= len(records) < 25


# What it does.

@pytest.mark.parametrize("sdk", ["sdk1", "sdk2"])
def test_an_endpoint_lives_and_dies_by_the_api(own, client, sdk):
    operator = api(own)
    base = "/v1/upstreams/torii/endpoints"
    reply = operator.ask("POST", base, {"name": "dashboards", "config": {"methods": ["list"], "tags": ["apps"]}}, 201)
    made = reply.json
    assert reply.fields["location"] == f"{base}/{made['id']}"
    assert made["url"].endswith("/mcp/" + made["token"])
    endpoint = houses.Endpoint(made)
    spoken = client(sdk, own, endpoint, [{"do": "list"}, {"do": "call", "tool": "list_apps", "arguments": {"size": 1}}]).rest()
    assert "list_apps" in json.dumps(spoken) and "list_users" not in json.dumps(spoken[1:2])
    # It is widened, and its clients must begin anew.
    agent = own.agent(endpoint)
    stream = agent.listen()
    changed = operator.ask("PATCH", f"{base}/{made['id']}", {"config": {"tags": ["users"]}}, 200).json
    assert changed["config"] == {"methods": ["list"], "tags": ["users"], "require_api_token_auth": False}
    assert "token" not in changed and "url" not in changed
    assert stream.end(2) < 2
    assert "list_users" in own.agent(endpoint).tools() and "list_apps" not in own.agent(endpoint).tools()
    # A second factor is asked for from now on.
    operator.ask("PATCH", f"{base}/{made['id']}", {"config": {"require_api_token_auth": True}}, 200)
    assert wire.Agent(endpoint.url, own.ca).ask("tools/list").status == 401
    token = operator.ask("POST", "/v1/api-tokens", {"name": "t", "subject": "ada", "endpoints": [made["id"]]}, 201).json
    agent = own.agent(endpoint, token["token"])
    stream = agent.listen()
    assert operator.ask("DELETE", f"/v1/api-tokens/{token['id']}", code=200).json["revoked_at"]
    assert stream.end(2) < 2 and agent.ask("tools/list").status == 401
    # Another address, and the end.
    operator.ask("PATCH", f"{base}/{made['id']}", {"config": {"require_api_token_auth": False}}, 200)
    rotated = operator.ask("POST", f"{base}/{made['id']}/rotate", code=200).json
    assert rotated["token"] != made["token"]
    assert wire.Agent(endpoint.url, own.ca).ask("tools/list").status == 404
    agent = own.agent(houses.Endpoint(rotated))
    stream = agent.listen()
    operator.ask("DELETE", f"{base}/{made['id']}", code=204)
    assert stream.end(2) < 2 and agent.ask("tools/list").status == 404
    operator.ask("GET", f"{base}/{made['id']}", code=404)
    assert own.run("endpoint", "list", "--json") == {"result": []}


def test_automation_written_for_truto_works_unchanged(own):
    """The requests of reference/torii.md 1.1 in the order a script would send them."""
    truto = api(own)
    base = "/integrated-account/torii/mcp"
    created = truto.ask("POST", base, {"name": "ChatGPT", "config": {"methods": ["read"], "tags": ["apps", "users"]},
                                       "expires_at": moment(3600)}, 201).json
    assert set(created) == {"id", "name", "integrated_account_id", "config", "created_by", "expires_at", "created_at",
                            "updated_at", "token", "url"}
    assert created["integrated_account_id"] == "torii" and created["expires_at"].endswith(".000Z")
    listed = truto.get(base)
    assert listed["next_cursor"] is None and [one["id"] for one in listed["result"]] == [created["id"]]
    assert not {"token", "url"} & set(listed["result"][0])
    one = truto.get(f"{base}/{created['id']}")
    assert one == {name: value for name, value in created.items() if name not in ("token", "url")}
    # What is not mentioned stays; null clears the end.
    patched = truto.ask("PATCH", f"{base}/{created['id']}", {"config": {"tags": ["apps"]}}, 200).json
    assert patched["config"]["methods"] == ["read"] and patched["config"]["tags"] == ["apps"]
    assert patched["expires_at"] == created["expires_at"]
    assert truto.ask("PATCH", f"{base}/{created['id']}", {"expires_at": None}, 200).json["expires_at"] is None
    assert truto.ask("PATCH", f"{base}/{created['id']}", {"name": "Claude"}, 200).json["config"] == patched["config"]
    assert truto.ask("PATCH", f"{base}/{created['id']}", {"config": {"methods": None}}, 200).json["config"] == {
        "tags": ["apps"], "require_api_token_auth": False}
    assert "list_apps" in own.agent(houses.Endpoint(created)).tools()
    # Ours and Truto's words are about the same things.
    ours = truto.get(f"/v1/upstreams/torii/endpoints/{created['id']}")
    assert ours["upstream"] == "torii" and ours["name"] == "Claude"
    truto.ask("DELETE", f"{base}/{created['id']}", code=204)
    assert truto.get(base)["result"] == []


def test_lists_come_in_pages_that_a_deletion_does_not_disturb(own):
    operator = api(own)
    base = "/integrated-account/torii/mcp"
    ids = [operator.ask("POST", base, {"name": f"e{number}"}, 201).json["id"] for number in range(7)]
    first = operator.get(f"{base}?limit=3")
    assert [one["id"] for one in first["result"]] == ids[:3]
    operator.ask("DELETE", f"{base}/{ids[2]}", code=204)
    second = operator.get(f"{base}?limit=3&next_cursor={first['next_cursor']}")
    assert [one["id"] for one in second["result"]] == ids[3:6]
    third = operator.get(f"/v1/upstreams/torii/endpoints?cursor={second['next_cursor']}&limit=3")
    assert [one["id"] for one in third["result"]] == ids[6:] and third["next_cursor"] is None
    seen, cursor = [], ""
    for _ in itertools.count():
        page = operator.get(f"/v1/tools?limit=50&upstream=torii{cursor}")
        seen += [tool["tool"] for tool in page["result"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sorted(seen) and {"list_apps", "list_all_torii_apps"} <= set(seen)


@pytest.mark.parametrize("case", json.loads((CASES / "mistakes.json").read_text()), ids=lambda case: case["why"])
def test_a_mistake_is_told_and_changes_nothing(place, case):
    chief = api(place, "admin")
    made = place.run("endpoint", "create", "torii", "--name", "as it is", "--json")
    text = json.dumps(case.get("body")).replace("@SOON@", moment(45))
    body = json.loads(text)
    if "raw" in case:
        body = case["raw"].encode()
    if "hex" in case:
        body = bytes.fromhex(case["hex"])
    if "size" in case:
        body = b'{"name": "' + b"x" * case["size"] + b'"}'
    before = place.run("endpoint", "list", "--json"), place.run("token", "list", "--json")
    seen = place.next_seq()
    path = case["path"].replace("@ENDPOINT@", made["id"])
    reply = chief.raw(case["method"], path, body, case.get("fields", {}))
    chief.description.check(case["method"], path, reply)
    assert reply.status == case["status"], reply
    assert reply.paths == case.get("paths", []), reply
    assert reply.fields.get("allow") == case.get("allow")
    assert (place.run("endpoint", "list", "--json"), place.run("token", "list", "--json")) == before
    assert not actions(place, since=seen)


def test_a_definition_is_approved_by_the_hash_that_was_looked_at(own):
    chief = api(own, "admin")
    agent = own.agent()
    agent.tools()
    vendor = wire.Agent(own.upstream, own.ca, token=houses.UPSTREAM_KEY).open()
    vendor.call("sample_change_definition", {"tool": "list_apps", "change": "description"})
    vendor.close()
    assert "list_apps" not in agent.tools()
    tools = {tool["tool"]: tool for tool in chief.get("/v1/tools?limit=1000")["result"]}
    waiting = tools["list_apps"]
    assert waiting["state"] == "waiting" and waiting["changes"] and waiting["hash"] != waiting["waiting_hash"]
    assert tools["list_users"]["state"] == "approved" and tools["list_users"]["effect"] == "read"
    body = {"upstream": "torii", "tool": "list_apps", "hash": waiting["hash"]}
    chief.ask("POST", "/v1/tools/approvals", body, 409)
    assert "list_apps" not in agent.tools()
    approved = chief.ask("POST", "/v1/tools/approvals", body | {"hash": waiting["waiting_hash"]}, 200).json
    assert approved["state"] == "approved" and approved["hash"] == waiting["waiting_hash"]
    assert "list_apps" in agent.tools()
    assert [(record["mcp"]["tool"], record["info"]["phase"]) for record in actions(own)] == [
        ("list_apps", "intent"), ("list_apps", "done")]


def test_a_call_is_explained_without_being_made(place):
    reviewer = api(place, "reviewer")
    before = place.reached()
    allowed = reviewer.ask("POST", "/v1/explain", {"upstream": "torii", "tool": "list_apps", "arguments": {}}, 200).json
    assert allowed["allowed"] is True and any(rule["decides"] for rule in allowed["rules"])
    endpoint = place.endpoint(methods=["list"], tags=["users"])
    denied = reviewer.ask("POST", "/v1/explain", {
        "upstream": "torii", "tool": "list_apps", "subject": "ada", "groups": ["operators"], "endpoint": endpoint.id}, 200).json
    assert denied["allowed"] is False and denied["reason"]
    reviewer.ask("POST", "/v1/explain", {"upstream": "torii", "tool": "list_apps", "endpoint": NOWHERE}, 400)
    assert place.reached() == before


# The document.

def test_what_is_described_is_served_and_what_is_not_is_not(place):
    chief = api(place, "admin")
    described = chief.description
    assert described.document["openapi"] == "3.1.0"
    paths = described.document["paths"]
    for path, item in paths.items():
        real = path.replace("{upstream}", "torii").replace("{id}", NOWHERE)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            reply = chief.raw(method, real, b"[]" if method in ("POST", "PUT", "PATCH") else None)
            if method.lower() in item:
                assert reply.status != 405 and (reply.status != 404 or "{id}" in path), (method, path, reply)
            else:
                assert reply.status == 405, (method, path, reply)
                allowed = set(reply.fields["allow"].split(", ")) - {"HEAD"}
                assert allowed == {name.upper() for name in item}, (path, reply)
    for path in ("/", "/v1", "/v1/", "/v2/api-tokens", "/v1/tools/list_apps", "/integrated-account", "/integrated-account/torii",
                 "/v1/upstreams/torii", "/v1/upstreams//endpoints", "/u/torii/mcp", "/v1/openapi.yaml"):
        assert path not in paths
        assert chief.raw("GET", path).status in (400, 404), path


def test_every_example_body_is_accepted(own):
    chief = api(own, "admin")
    made = chief.ask("POST", "/v1/upstreams/torii/endpoints", {"name": "x"}, 201).json["id"]
    for method, path, operation in chief.description.operations():
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        chief.description.schema(content["schema"]["$ref"]).validate(content["example"])
        reply = chief.ask(method, path.replace("{upstream}", "torii").replace("{id}", made), content["example"])
        # Nothing waits for approval here: that request is well-formed, and the answer is no.
        assert reply.status == (409 if path.endswith("approvals") else reply.status) and reply.status in (200, 201, 409), reply


def test_head_is_answered_as_get_without_a_body(place):
    reply = api(place, "reviewer").raw("HEAD", "/v1/api-tokens")
    assert reply.status == 200 and reply.body == b"" and reply.fields["content-type"] == "application/json"


# Once is once.

def test_the_same_request_twice_makes_one_thing_and_shows_its_secret_once(own):
    operator, other = api(own), api(own, "admin")
    for path, body, issued in [
        ("/integrated-account/torii/mcp", {"name": "once", "config": {}, "expires_at": moment(120)}, {"token", "url"}),
        ("/v1/api-tokens", {"name": "once", "subject": "ada", "upstreams": ["torii"]}, {"token"}),
    ]:
        first = operator.ask("POST", path, body, 201, Idempotency_Key="job-1" + path[-3:])
        again = operator.ask("POST", path, body, 200, Idempotency_Key="job-1" + path[-3:])
        assert again.fields["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.fields
        assert again.json == {name: value for name, value in first.json.items() if name not in issued}
        # The key is another's, or for something else: that is another request.
        operator.ask("POST", path, body | {"name": "twice"}, 422, Idempotency_Key="job-1" + path[-3:])
        assert other.ask("POST", path, body, 201, Idempotency_Key="job-1" + path[-3:]).json["id"] != first.json["id"]
        # A mistake uses no key up.
        operator.ask("POST", path, body | {"name": ""}, 400, Idempotency_Key="job-2" + path[-3:])
        operator.ask("POST", path, body, 201, Idempotency_Key="job-2" + path[-3:])
        # What was made is gone: it is not made again behind the back of whoever deleted it.
        if issued == {"token", "url"}:
            operator.ask("DELETE", f"{path}/{first.json['id']}", code=204)
            operator.ask("POST", path, body, 409, Idempotency_Key="job-1" + path[-3:])


def test_the_same_request_at_the_same_time_makes_one_thing(own):
    operator = api(own)
    operator.description
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(
        operator.ask("POST", "/integrated-account/torii/mcp", {"name": "once"}, Idempotency_Key="k"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies].count(201) == 1
    assert {reply.status for reply in replies} <= {200, 201, 409}
    assert len(operator.get("/integrated-account/torii/mcp")["result"]) == 1


def test_a_request_that_a_crash_cut_is_sent_again_and_makes_one_thing(own):
    operator = api(own)
    operator.description
    chance = random.Random(4)
    for round in range(8):
        name, answers = f"round-{round}", []

        def send():
            try:
                answers.append(operator.raw("POST", "/integrated-account/torii/mcp", {"name": name},
                                            {"Idempotency-Key": name}))
            except (OSError, admin.http.client.HTTPException):
                answers.append(None)
        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(chance.random() * 0.08)
        own.kill()
        sender.join()
        own.start()
        again = operator.ask("POST", "/integrated-account/torii/mcp", {"name": name}, Idempotency_Key=name)
        assert again.status == (200 if answers[0] is not None else again.status) and again.status in (200, 201), again
        made = [one for one in operator.get("/integrated-account/torii/mcp?limit=1000")["result"] if one["name"] == name]
        assert [one["id"] for one in made] == [again.json["id"]]
    # Every endpoint that is there has its intent and its change in the trail.
    assert own.stop() == 0
    own.verify()
    intents = {record["info"]["name"] for record in actions(own) if record["info"]["phase"] == "intent"}
    changes = {record["info"]["subject"] for record in actions(own, changes=True)}
    own.start()
    for one in operator.get("/integrated-account/torii/mcp?limit=1000")["result"]:
        assert one["name"] in intents and one["id"] in changes


# What it leaves behind.

def test_every_change_is_in_the_trail_before_and_after_with_who_made_it(own):
    chief = own.admin_token("admin", name="Mika")
    mika = admin.Api(own, chief["token"])
    base = "/v1/upstreams/torii/endpoints"
    made = mika.ask("POST", base, {"name": "seen", "config": {"methods": ["read"]}}, 201).json
    mika.ask("PATCH", f"{base}/{made['id']}", {"name": "seen again"}, 200)
    mika.ask("POST", f"{base}/{made['id']}/rotate", code=200)
    token = mika.ask("POST", "/v1/api-tokens", {"name": "t", "subject": "ada", "endpoints": [made["id"]]}, 201).json
    mika.ask("DELETE", f"/v1/api-tokens/{token['id']}", code=200)
    mika.ask("DELETE", f"/v1/api-tokens/{token['id']}", code=409)
    mika.ask("DELETE", f"{base}/{made['id']}", code=204)
    actor = f"admin-token:{chief['id']}"
    assert made["created_by"] == actor
    wanted = ["endpoint.create", "endpoint.update", "endpoint.rotate", "token.create", "token.revoke", "endpoint.delete"]

    def changes():
        found = [record["info"] for record in actions(own, changes=True) if record["info"].get("by") == actor]
        return [info["action"] for info in found] == wanted
    houses.until(changes, 5, "the changes in the trail")
    records = actions(own)
    for record in records:
        assert record["info"]["by"] == actor and record["info"]["role"] == "admin"
        assert record["who"]["key"] == chief["id"]
        assert record["via"]["addr"] == "127.0.0.1"
    told = [(record["info"]["action"], record["info"]["phase"]) for record in records]
    revokes = [("token.revoke", "intent"), ("token.revoke", "done"), ("token.revoke", "intent"), ("token.revoke", "failed")]
    assert told == [(action, phase) for action in wanted[:4] for phase in ("intent", "done")] + revokes + [
        ("endpoint.delete", "intent"), ("endpoint.delete", "done")]
    assert records[0]["info"]["name"] == "seen" and records[0]["info"]["methods"] == ["read"]
    assert records[1]["info"]["subject"] == made["id"]
    assert records[0]["cid"] == records[1]["cid"] != records[2]["cid"]


def test_no_secret_is_left_anywhere(own):
    chief = own.admin_token("admin")
    one = admin.Api(own, chief["token"])
    base = "/v1/upstreams/torii/endpoints"
    made = one.ask("POST", base, {"name": "x"}, 201, Idempotency_Key="a-key-of-somebody").json
    rotated = one.ask("POST", f"{base}/{made['id']}/rotate", code=200).json
    token = one.ask("POST", "/v1/api-tokens", {"name": "t", "subject": "ada", "upstreams": ["torii"]}, 201).json
    helper = one.ask("POST", "/v1/admin-tokens", {"name": "n", "role": "reviewer"}, 201).json
    wrong = "kmn_a_" + "Q" * 49
    admin.Api(own, wrong).raw("GET", "/v1/api-tokens")
    one.raw("GET", f"/v1/upstreams/torii/endpoints/{made['token']}")
    metrics = one.raw("GET", "/metrics").body
    own.stop()
    secrets = [chief["token"], made["token"], rotated["token"], token["token"], helper["token"], wrong, "a-key-of-somebody"]
    for path in own.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in data], path
    assert not [secret for secret in secrets if secret.encode() in metrics]


def test_a_reload_changes_what_may_be_made(own):
    operator = api(own)
    body = {"name": "x", "config": {"policy": "another"}}
    assert operator.ask("POST", "/integrated-account/torii/mcp", body, 400).paths == ["config.policy"]
    (own.folder / "another.yaml").write_text(
        "komainu: 1\npolicy: another\nrules:\n  - {id: apps, allow: {methods: [read], tags: [apps]}}\n", encoding="utf-8")
    own.policy = "[policy.yaml, another.yaml]"
    own.write_configuration()
    own.signal(signal.SIGHUP)
    houses.until(lambda: '"reloaded"' in own.log(), 5, "the reload")
    made = operator.ask("POST", "/integrated-account/torii/mcp", body, 201).json
    assert set(own.agent(houses.Endpoint(made)).tools()) < set(own.agent().tools())


def test_what_cannot_be_recorded_is_not_done(own):
    operator = api(own)
    made = operator.ask("POST", "/integrated-account/torii/mcp", {"name": "kept"}, 201).json
    # The disk is full as far as the program can tell: no file may grow.
    resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    reply = operator.ask("DELETE", f"/integrated-account/torii/mcp/{made['id']}", code=503)
    assert reply.json["message"] == "the audit trail takes no record, so nothing was done"
    operator.ask("POST", "/integrated-account/torii/mcp", {"name": "never"}, 503)
    own.kill()
    own.start()
    assert [one["name"] for one in operator.get("/integrated-account/torii/mcp")["result"]] == ["kept"]

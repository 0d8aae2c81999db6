"""Who may knock: tokens in the URL, second factors, their end. From outside, all that is wrong looks the same."""
import re

import pytest

import house as houses
import wire

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "agent", "version": "1"}}}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


DECISION = re.compile(rb'"id":"[0-9A-HJKMNP-TV-Z]{26}"')


def knock(house, url, token=None, message=INITIALIZE, **fields):
    agent = wire.Agent(url, house.ca, token)
    try:
        return agent.post(message, **fields)
    finally:
        agent.close()


def look(answer):
    """What an outsider sees: everything but the date and the decision's own id."""
    body = DECISION.sub(b"", answer.body)
    return answer.status, sorted((k, v) for k, v in answer.fields if k != "date"), body


def test_unknown_malformed_revoked_and_rotated_tokens_look_the_same(shared):
    unknown = shared.endpoint().url
    stranger = unknown[:-4] + ("aaaa" if not unknown.endswith("aaaa") else "bbbb")
    reference = knock(shared, stranger)
    assert reference.status in (401, 404)
    base = unknown.rsplit("/", 1)[0]
    revoked = shared.endpoint()
    shared.run("endpoint", "delete", revoked.id)
    rotated = shared.endpoint()
    shared.run("endpoint", "rotate", rotated.id, "--json")
    for url in (f"{base}/x", f"{base}/{'a' * 400}", revoked.url, rotated.url, unknown.upper().replace("HTTPS://LOCALHOST", "https://localhost").replace("/MCP/", "/mcp/")):
        answer = houses.until(lambda url=url: (a := knock(shared, url)).status != 200 and a, 1, "the refusal")
        assert look(answer) == look(reference), url


@pytest.mark.parametrize("token", [None, "", "nonsense", "@OTHER@", "@ENDPOINT@", "@TOKEN@x"])
def test_a_second_factor_that_is_missing_wrong_or_bound_elsewhere_is_refused(shared, token):
    endpoint, other = shared.endpoint(dual=True), shared.endpoint(dual=True)
    right, elsewhere = shared.token([endpoint])["token"], shared.token([other])["token"]
    given = token and token.replace("@OTHER@", elsewhere).replace("@ENDPOINT@", endpoint.token).replace("@TOKEN@", right)
    before, seen = shared.reached(), shared.next_seq()
    answer = knock(shared, endpoint.url, given)
    assert answer.status == 401, answer
    assert re.match(r"Bearer\b", answer.field("www-authenticate"))
    assert shared.reached() == before
    assert knock(shared, endpoint.url, right).status == 200
    shared.await_record("auth.failed", since=max(0, seen - 50))


def test_both_factors_are_asked_for_on_every_request(shared):
    endpoint = shared.endpoint(dual=True)
    agent = shared.agent(endpoint, shared.token([endpoint])["token"])
    assert agent.ask("tools/list").status == 200
    agent.token = None
    assert agent.ask("tools/list").status == 401


def test_a_token_in_the_query_is_no_token(shared):
    endpoint = shared.endpoint(dual=True)
    token = shared.token([endpoint])["token"]
    assert knock(shared, f"{endpoint.url}?access_token={token}").status in (400, 401, 404)


def test_a_session_belongs_to_who_opened_it(shared):
    mine, theirs = shared.agent(), shared.agent()
    stolen = theirs.session
    before = shared.reached()
    foreign = mine.post(LIST, Mcp_Session_Id=stolen)
    unknown = mine.post(LIST, Mcp_Session_Id="k" * len(stolen))
    assert foreign.status == 404 and look(foreign)[2] == look(unknown)[2]
    mine.session = stolen
    assert mine.listen().status == 404
    assert mine.delete().status == 404
    assert shared.reached() == before
    assert theirs.ask("tools/list").status == 200


def test_a_deleted_endpoint_is_closed_at_once_and_its_streams_are_cut(house):
    endpoint = house.endpoint()
    agent = house.agent(endpoint)
    stream = agent.listen()
    calling = agent.call_streaming("sample_progress", {"steps": 1000, "seconds": 0.05}, _meta={"progressToken": 1})
    calling.until(lambda events: len(events) >= 2)
    house.run("endpoint", "delete", endpoint.id)
    assert stream.end(2) < 2
    assert calling.end(2) < 2
    assert not any('"result"' in event["data"] for event in wire.events(calling.body))
    assert houses.until(lambda: agent.ask("tools/list").status != 200, 1)
    houses.until(lambda: house.control()["sessions"] == 0, 5, "the end of the upstream's session")


def test_a_revoked_token_is_worth_nothing_at_once(house):
    endpoint = house.endpoint(dual=True)
    made = house.token([endpoint])
    agent = house.agent(endpoint, made["token"])
    stream = agent.listen()
    house.run("token", "revoke", made["id"])
    assert stream.end(2) < 2
    assert houses.until(lambda: agent.ask("tools/list").status == 401, 1)
    # Another token for the same endpoint is not concerned.
    assert house.agent(endpoint, house.token([endpoint])["token"]).ask("tools/list").status == 200


def test_a_rotated_endpoint_has_a_new_address_and_no_old_streams(house):
    endpoint = house.endpoint()
    agent = house.agent(endpoint)
    stream = agent.listen()
    made = house.run("endpoint", "rotate", endpoint.id, "--json")
    assert made["token"] != endpoint.token
    assert stream.end(2) < 2
    assert houses.until(lambda: knock(house, endpoint.url).status != 200, 1)
    assert house.agent(houses.Endpoint(endpoint.made | made)).ask("tools/list").status == 200


def test_tokens_survive_a_restart_and_are_nowhere_in_the_files(house):
    endpoint = house.endpoint(dual=True)
    token = house.token([endpoint])["token"]
    house.kill()
    house.start()
    assert house.agent(endpoint, token).ask("tools/list").status == 200
    house.stop()
    for path in house.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert endpoint.token.encode() not in data and token.encode() not in data, path


@pytest.mark.parametrize("options", [
    ["--methods", "nonsense"], ["--methods", "READ"], ["--methods", ""], ["--tags", "no-such-tag"], ["--ttl", "5s"],
    ["--methods", "delete", "--tags", "apps"],
])
def test_an_endpoint_that_could_do_nothing_or_means_nothing_is_not_made(shared, options):
    before = shared.run("endpoint", "list", "--json")
    shared.run("endpoint", "create", "torii", "--name", "wrong", *options, code=2)
    assert shared.run("endpoint", "list", "--json") == before


def test_an_endpoint_narrows_what_the_policy_allows(shared):
    agent = shared.agent(shared.endpoint(methods=["list"], tags=["apps"]))
    names = set(agent.tools())
    assert "list_apps" in names and "list_all_torii_apps" in names
    assert not names & {"get_app", "list_users", "list_contracts", "sample_slow", "search_apps"}
    assert agent.call("get_app", {"idApp": 55421}).error["message"] == "Unknown tool: get_app"
    # Nothing widens: an endpoint for writes still needs a rule that allows them.
    assert set(shared.agent(shared.endpoint(methods=["write"])).tools()) <= {"call_tool"}

"""What real clients see through the program: two majors of the official SDK, one of them in both its ways to begin."""
import json

import conftest
import expectations
import pytest
import wire


def answered(lines):
    """The answers to the steps, after a good beginning and before a good end."""
    assert "opened" in lines[0], lines
    assert lines[-1] == {"ended": None}, lines[-1]
    return lines[0]["opened"], lines[1:-1]


def offered(house):
    """The names of every tool the sample has, asked behind the program's back."""
    agent = wire.Agent(house.upstream, house.ca, token="sample-upstream-key-5e0c").open()
    try:
        return set(agent.tools())
    finally:
        agent.delete()
        agent.close()


def test_lists_every_page_of_what_it_may_call_and_nothing_else(shared, client, sdk):
    endpoint = shared.endpoint()
    opened, [listed] = answered(client(sdk, shared, endpoint, [{"do": "list"}]).rest())
    names = [tool["name"] for tool in listed["tools"]]
    assert listed["pages"] == 3
    assert len(set(names)) == len(names)
    assert set(names) == expectations.readable(offered(shared))
    assert set(opened["capabilities"]) <= {"tools"}
    assert not expectations.leaks(json.dumps(listed) + json.dumps(opened))


def test_calls_and_gets_the_records_without_the_people(shared, client, sdk):
    endpoint = shared.endpoint()
    steps = [{"do": "call", "tool": "list_users", "arguments": {"size": 5}},
             {"do": "call", "tool": "list_all_torii_contracts", "arguments": {"limit": 2}}]
    _, [users, contracts] = answered(client(sdk, shared, endpoint, steps).rest())
    assert not expectations.leaks(json.dumps(users))
    assert not expectations.leaks(json.dumps(contracts))
    rows = json.loads(users["result"]["content"][0]["text"])["users"]
    assert [row["id"] for row in rows][:3] == [41207, 41988, 42311]
    assert len({row["email"] for row in rows}) == 5
    assert all(expectations.PSEUDONYM.fullmatch(row["email"]) for row in rows)
    first = json.loads(contracts["result"]["content"][0]["text"])["result"][0]
    assert first["id"] == 9107 and first["amount"]["value"] == 0, first


def test_gets_what_its_own_schema_validation_accepts(shared, client, sdk):
    endpoint = shared.endpoint()
    steps = [{"do": "list"}] + [
        {"do": "call", "tool": tool, "arguments": arguments} for tool, arguments in [
            ("get_user", {"idUser": 41207}), ("search_apps", {"q": "fox"}), ("list_contracts", {"size": 3}),
            ("list_contracts", {"fields": "id,name,amount,currency,owner"})]]
    _, lines = answered(client(sdk, shared, endpoint, steps).rest())
    for line in lines[1:]:
        assert "result" in line and line["result"].get("structuredContent"), line
        assert not expectations.leaks(json.dumps(line))
    assert lines[1]["result"]["structuredContent"]["user"]["id"] == 41207


def test_hears_progress_before_the_answer(shared, client, sdk):
    endpoint = shared.endpoint()
    steps = [{"do": "call", "tool": "sample_progress", "arguments": {"steps": 4}, "progress": True}]
    _, [line] = answered(client(sdk, shared, endpoint, steps).rest())
    assert [step["progress"] for step in line["progress"]] == [1, 2, 3, 4]
    assert not expectations.leaks(json.dumps(line))
    assert json.loads(line["result"]["content"][0]["text"])["users"]


def test_goes_on_after_a_denied_call(shared, client, sdk):
    before = shared.reached("list_users")
    endpoint = shared.endpoint()
    steps = [{"do": "call", "tool": "list_users", "arguments": {"size": 100_000}},
             {"do": "call", "tool": "list_users", "arguments": {"size": 1}}]
    _, [denied, after] = answered(client(sdk, shared, endpoint, steps).rest())
    assert denied["result"]["isError"] is True, denied
    assert "100000" not in json.dumps(denied)
    assert after["result"].get("isError") is not True
    assert shared.reached("list_users") == before + 1


def test_hears_of_hidden_tools_what_it_hears_of_none(shared, client, sdk):
    endpoint = shared.endpoint()
    hidden = ["delete_a_torii_contract_by_id", "run_workflow", "update_user", "get_and_purge_users", "no_such_tool"]
    before, seen = {name: shared.reached(name) for name in hidden}, shared.next_seq()
    _, lines = answered(client(sdk, shared, endpoint, [{"do": "call", "tool": name} for name in hidden]).rest())
    for name, line in zip(hidden, lines):
        assert line.get("code") == -32602, line
        assert line["message"] == f"Unknown tool: {name}"
    assert {name: shared.reached(name) for name in hidden} == before
    # What the client is not told, the trail tells: who tried to call what.
    tried = [record.get("mcp", {}).get("tool") for record in shared.records("call.denied", since=seen)]
    assert tried == hidden


def test_cannot_reach_a_tool_through_another(shared, client, sdk):
    endpoint = shared.endpoint()
    inner = {"tool_name": "delete_a_torii_contract_by_id", "arguments": {"id": "9107"}}
    steps = [{"do": "call", "tool": "call_tool", "arguments": inner},
             {"do": "call", "tool": "call_tool", "arguments": {"tool_name": "call_tool", "arguments": inner}},
             {"do": "call", "tool": "call_tool", "arguments": {"tool_name": "list_users", "arguments": {"size": 2}}},
             {"do": "call", "tool": "search_tools", "arguments": {"query": "contract", "limit": 50}},
             {"do": "call", "tool": "get_tool_schema", "arguments": {"tool_names": ["update_user"]}}]
    _, [direct, nested, allowed, found, schema] = answered(client(sdk, shared, endpoint, steps).rest())
    for line in (direct, nested):
        assert line.get("code") == -32602 or line["result"]["isError"], line
    assert shared.reached("delete_a_torii_contract_by_id") == 0
    assert json.loads(allowed["result"]["content"][0]["text"])["users"][0]["id"] == 41207
    assert not expectations.leaks(json.dumps(allowed))
    assert "list_contracts" in json.dumps(found)
    assert "delete_a_torii_contract_by_id" not in json.dumps(found) and "create_contract" not in json.dumps(found)
    assert "lifecycleStatus" not in json.dumps(schema)


STATELESS = ("sdk2", "sdk2-pinned", "fastmcp")


def test_has_a_session_that_ends_upstream_when_it_leaves(house, client, sdk):
    if sdk in STATELESS:
        pytest.skip("2026-07-28 knows no sessions")
    answered(client(sdk, house, house.endpoint(), [{"do": "ping"}]).rest())
    received = house.received()
    deleted = [one for one in received if one["method"] == "DELETE"]
    opened = [one for one in received if '"initialize"' in one["body"]]
    assert len(opened) == 1 and len(deleted) == 1
    assert deleted[0]["fields"]["mcp-session-id"].startswith("sample-")


@pytest.mark.parametrize("kind", STATELESS)
def test_has_no_session_in_the_stateless_revision(house, client, kind):
    opened, _ = answered(client(kind, house, house.endpoint(), [{"do": "call", "tool": "list_apps"}]).rest())
    assert opened["version"] == "2026-07-28"
    received = house.received()
    assert received
    for one in received:
        message = json.loads(one["body"])
        assert one["method"] == "POST" and "mcp-session-id" not in one["fields"]
        assert one["fields"]["mcp-protocol-version"] == "2026-07-28"
        assert one["fields"]["mcp-method"] == message["method"] != "initialize"
        assert message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"


@pytest.mark.parametrize("kind", STATELESS)
def test_falls_back_before_an_older_server_and_is_told_no_when_it_cannot(build, client, kind):
    made = build(sample_options=["--handshake-only"])
    try:
        conftest.opened(made)
        lines = client(kind, made, made.endpoint(), [{"do": "call", "tool": "list_users", "arguments": {"size": 2}}]).rest()
        if kind == "sdk2-pinned":
            # Pinned, it sends no probe; what it then asks has no answer, and it hears so.
            assert lines[1].get("code") or lines[1]["result"]["isError"], lines
        else:
            opened, [called] = answered(lines)
            assert opened["version"] == "2025-11-25" and called["result"]["content"]
        assert made.stop() == 0
        made.verify()
    finally:
        made.close()


def test_never_sends_its_credential_on(house, client, sdk):
    endpoint = house.endpoint(dual=True)
    token = house.token([endpoint])["token"]
    answered(client(sdk, house, endpoint, [{"do": "call", "tool": "list_apps"}], token=token).rest())
    for one in house.received():
        text = json.dumps(one)
        assert one["fields"]["authorization"] == "Bearer sample-upstream-key-5e0c"
        assert token not in text and endpoint.token not in text
        assert "cookie" not in one["fields"] and one["fields"].get("accept-encoding", "identity") == "identity"
    assert token not in house.log() and endpoint.token not in house.log()
    trail = json.dumps(house.trail())
    assert token not in trail and endpoint.token not in trail

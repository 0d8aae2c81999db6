"""The sample server itself, asked without the program before it: what the other tests take for granted."""
import json

import expectations
import pytest
import wire

KEY = "sample-upstream-key-5e0c"


class Direct:
    """An endpoint that is the sample itself."""

    def __init__(self, house):
        self.url = house.upstream


@pytest.fixture(scope="module")
def sample(build):
    house = build()
    try:
        house.start_sample()
        yield house
    finally:
        house.close()


def test_serves_real_clients(sample, client, sdk):
    steps = [{"do": "list"}, {"do": "call", "tool": "get_user", "arguments": {"idUser": 41207}},
             {"do": "call", "tool": "sample_progress", "arguments": {"steps": 3}, "progress": True},
             {"do": "call", "tool": "no_such_tool"}]
    lines = client(sdk, sample, Direct(sample), steps, token=KEY).rest()
    assert lines[-1] == {"ended": None}
    assert lines[1]["pages"] == 3 and len(lines[1]["tools"]) > 40
    assert lines[2]["result"]["structuredContent"]["user"]["email"] == "maren.okonjo@northquay.example"
    assert [step["progress"] for step in lines[3]["progress"]] == [1, 2, 3]
    assert lines[4]["message"] == "Unknown tool: no_such_tool"


def test_resumes_for_real_clients(sample, client):
    # Both SDKs come back by themselves after the server hung up in the middle.
    for sdk in ("sdk1", "sdk2"):
        steps = [{"do": "call", "tool": "sample_progress", "arguments": {"steps": 3, "hang_up": True}, "progress": True}]
        lines = client(sdk, sample, Direct(sample), steps, token=KEY).rest()
        assert json.loads(lines[1]["result"]["content"][0]["text"])["users"], lines


def test_shows_people_to_whoever_asks(sample):
    agent = wire.Agent(sample.upstream, sample.ca, KEY).open()
    for tool in ("list_workflow_audit", "list_all_torii_app_users", "list_all_torii_contracts", "sample_content"):
        assert expectations.leaks(agent.call(tool).body.decode()), tool
    agent.close()


def test_does_wrong_what_it_is_told_to(sample):
    agent = wire.Agent(sample.upstream, sample.ca, KEY).open()
    sample.fault("cut", bytes=30)
    answer = agent.call("list_apps")
    assert answer.complete is False and len(answer.body) == 30
    sample.fault("cut", bytes=0)
    agent.close()
    assert agent.raw(wire.request("POST", agent.path, agent.fields(), json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_apps"}}).encode())) is None
    sample.fault("huge", bytes=3_000_000)
    assert len(agent.call("list_apps").body) > 3_000_000
    sample.fault("slow", seconds=0.3)
    assert agent.call("list_apps").status == 200
    agent.close()

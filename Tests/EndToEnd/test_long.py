"""Calls that take long, against the SDK's own server: streams that are lost and resumed, questions in the middle, tasks."""
import json
import time

import pytest

DONE = "is done"


@pytest.fixture(params=["masked.yaml"])
def long(request, build):
    """A house before the server of what takes long."""
    made = build(policy=request.param, catalog="[long.yaml]")
    try:
        made.start_server(1, "long.py")
        yield made.start()
        if not request.node.has_failed:
            assert made.stop(40) in (0, None)
            made.verify()
    finally:
        made.close()


def outcomes(house, call):
    return [record for record in house.records("call.outcome") if record["of"] == call["seq"]]


def the_call(house, tool):
    return next(record for record in house.records("call.intent", tool=tool))


def last_id(events):
    return [event["id"] for event in events if event["id"]][-1]


def answered(events):
    return any('"result"' in event["data"] for event in events)


def test_a_lost_stream_is_resumed_and_brings_the_answer_redacted(long):
    agent = long.agent(version="2025-11-25")
    stream = agent.call_streaming("slow")
    events = stream.until(lambda events: any("progress" in event["data"] for event in events) or len(events) >= 1)
    event = last_id(events)
    assert "vendor-event" not in event
    stream.close()
    resumed = agent.listen(**{"Last_Event_ID": event})
    assert resumed.status == 200
    found = resumed.until(answered)
    while not answered(found):
        # The server had not noticed yet that the first connection is gone.
        time.sleep(0.2)
        resumed = agent.listen(**{"Last_Event_ID": event})
        found = resumed.until(answered)
    text = json.dumps(found)
    assert DONE in text and "grace" not in text
    call = the_call(long, "slow")
    assert [record["out"]["st"] for record in outcomes(long, call)] == ["ok"]
    agent.delete()


def test_a_stream_that_its_server_closes_is_resumed_more_than_once(long):
    agent = long.agent(version="2025-11-25")
    stream = agent.call_streaming("poll")
    stream.end()
    assert stream.whole
    events = stream.until(lambda _: True)
    assert not answered(events)
    assert any(event["retry"] == "100" for event in events)
    found = agent.listen(**{"Last_Event_ID": last_id(events)}).until(answered)
    assert DONE in json.dumps(found) and "grace" not in json.dumps(found)
    call = the_call(long, "poll")
    assert len(outcomes(long, call)) == 1
    # What was answered comes again, as it did.
    again = agent.listen(**{"Last_Event_ID": last_id(events)}).until(answered)
    assert DONE in json.dumps(again) and "grace" not in json.dumps(again)
    assert len(outcomes(long, call)) == 1


def test_nobody_else_resumes_a_stream(long):
    agent, other = long.agent(version="2025-11-25"), long.agent(version="2025-11-25")
    stream = agent.call_streaming("poll")
    stream.end()
    event = last_id(stream.until(lambda _: True))
    theirs = other.listen(**{"Last_Event_ID": event})
    assert theirs.status == 400
    assert other.listen(**{"Last_Event_ID": "vendor-event-1"}).status == 400
    other.session = agent.session
    assert other.listen(**{"Last_Event_ID": event}).status == 404
    assert DONE in json.dumps(agent.listen(**{"Last_Event_ID": event}).until(answered))


def test_a_call_that_nobody_resumes_is_of_unknown_outcome_when_its_session_ends(long):
    agent = long.agent(version="2025-11-25")
    agent.call_streaming("poll").end()
    call = the_call(long, "poll")
    assert outcomes(long, call) == []
    agent.delete()
    record = long.await_record("call.outcome", out_code="session_ended")
    assert record["of"] == call["seq"] and record["out"]["st"] == "unknown"


@pytest.mark.parametrize("sdk", ["sdk1", "sdk2-legacy"])
def test_the_clients_resume_by_themselves(long, client, sdk):
    lines = client(sdk, long, long.endpoint(), [{"do": "call", "tool": "poll"}, {"do": "call", "tool": "slow"}]).rest()
    for line in lines[1:3]:
        assert DONE in json.dumps(line["result"]) and "grace" not in json.dumps(line["result"])
    call = the_call(long, "poll")
    assert [record["out"]["st"] for record in outcomes(long, call)] == ["ok"]


@pytest.mark.parametrize("sdk", ["sdk1", "sdk2-legacy"])
def test_a_question_is_asked_redacted_and_its_answer_goes_back(long, client, sdk):
    lines = client(sdk, long, long.endpoint(), [{"do": "call", "tool": "ask"}], name="Ada").rest()
    asked = next(line for line in lines if "asked" in line)
    assert "who are you?" in asked["asked"] and "grace" not in asked["asked"]
    assert "accept {'name': 'Ada'}" in json.dumps(lines)


@pytest.mark.parametrize("long", ["closed.yaml"], indirect=True)
def test_a_question_that_is_closed_never_reaches_the_user(long, client):
    lines = client("sdk1", long, long.endpoint(), [{"do": "call", "tool": "ask"}], name="Ada").rest()
    assert not any("asked" in line for line in lines)
    assert lines[1]["result"]["isError"]


def test_a_task_is_its_callers_and_redacted(long, client):
    line = client("sdk1", long, long.endpoint(), [{"do": "task", "tool": "export"}]).rest()[1]
    text = json.dumps(line)
    assert DONE in text and "completed" in text and "grace" not in text, text
    assert len(line["listed"]) == 1
    other = long.agent(version="2025-11-25")
    for method in ("tasks/get", "tasks/result", "tasks/cancel"):
        foreign = other.ask(method, {"taskId": line["task"]})
        unknown = other.ask(method, {"taskId": "00000000-0000-4000-8000-000000000000"})
        assert foreign.status == 200 and foreign.error["code"] == unknown.error["code"] == -32602
        assert foreign.error["message"] == unknown.error["message"]
    assert other.ask("tasks/list", {}).result["tasks"] == []


@pytest.mark.parametrize("long", ["closed.yaml"], indirect=True)
def test_a_task_is_closed_unless_policy_opens_it(long):
    agent = long.agent(version="2025-11-25")
    assert "tasks" not in agent.opened["capabilities"]
    assert agent.ask("tools/call", {"name": "export", "arguments": {}, "task": {"ttl": 60000}}).result["isError"]
    assert agent.ask("tasks/list", {}).error["code"] == -32601


def test_a_listening_client_is_told_that_its_tools_changed(long):
    agent = long.agent(version="2025-11-25")
    assert agent.opened["capabilities"]["tools"]["listChanged"] is True
    stream = agent.listen()
    time.sleep(0.2)
    long.configuration.write_text(long.configuration.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    long.signal(1)
    found = stream.until(lambda events: any("list_changed" in event["data"] for event in events))
    assert found[-1]["data"] == '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'

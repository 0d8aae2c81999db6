"""Upstreams that are programs: judged, redacted and recorded like all others, one process for each session, none left behind."""
import json
import os
import signal
import subprocess
import threading
import time

import house as houses
import pytest
import wire
from test_transparent import ASKING, STEPS, transcript

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def furnished(build, *pipes, **more):
    return build(policy="transparent.yaml", catalog="[everything.yaml, pipes.yaml]", pipes=pipes, **more)


@pytest.fixture(scope="module", params=["1", "2"], ids=["server1", "server2"])
def glass(request, build):
    """A house whose server is a program."""
    made = furnished(build, request.param)
    try:
        yield made.start()
        assert made.stop(40) == 0
        made.verify()
        assert made.running() == []
    finally:
        made.close()


@pytest.fixture
def piped(build, request):
    """A house of one's own before a program: `piped(*modes, **more)`."""
    opened = []

    def start(*pipes, **more):
        opened.append(furnished(build, *(pipes or ("1",)), **more))
        return opened[-1].start()
    try:
        yield start
        for made in opened:
            if not request.node.has_failed:
                code = made.stop(40)
                # One test kills it, and its trail is not closed then.
                assert code in (0, None, -signal.SIGKILL)
                made.verify(4 if code == -signal.SIGKILL else 0)
                houses.until(lambda: made.running() == [], 5, "the end of every process")
    finally:
        for made in opened:
            made.close()


def modern(house, endpoint, method, params, id=1, **fields):
    """A request of 2026-07-28, on a connection of its own."""
    agent = wire.Agent(endpoint.url, house.ca)
    message = {"jsonrpc": "2.0", "id": id, "method": method,
               "params": params | {"_meta": MODERN | params.get("_meta", {})}}
    mirrored = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": method}
    if "name" in params:
        mirrored["Mcp_Name"] = params["name"]
    return agent.post(message, **(mirrored | fields))


@pytest.mark.parametrize("kind", ["sdk1", "sdk2", "sdk2-legacy"])
def test_a_client_hears_what_it_hears_from_the_program_itself(glass, client, kind, tmp_path):
    # 2026-07-28 has no ping: who asks for what is no more is told so in words of our own.
    steps = [step for step in STEPS + [ASKING] if kind != "sdk2" or step["do"] != "ping"]
    endpoint = glass.endpoint()
    direct = transcript(client(
        kind, glass, endpoint, steps, name="Ada", command=glass.pipes_command(), errors=str(tmp_path / "errors"),
        environment={"STARTED": os.devnull}).rest())
    through = transcript(client(kind, glass, endpoint, steps, name="Ada").rest())
    assert [pair for pair in zip(through, direct) if pair[0] != pair[1]] == []
    assert len(through) == len(direct)


def test_each_session_has_a_process_that_ends_with_it(piped):
    house = piped()
    one, two = house.agent(), house.agent()
    mine, theirs = (eval(agent.call("surroundings").text)["process"] for agent in (one, two))
    assert mine != theirs and house.running() == [mine, theirs]
    assert one.delete().status == 204
    houses.until(lambda: house.running() == [theirs], 6, "the end of the first process")
    assert two.call("add", {"a": 1}).status == 200
    two.delete()
    houses.until(lambda: house.running() == [], 6, "the end of the second process")


def test_a_process_has_nothing_of_ours(piped):
    house = piped()
    seen = eval(house.agent().call("surroundings").text)
    environment = dict(seen["environment"])
    assert environment.pop("UPSTREAM_KEY") == houses.UPSTREAM_KEY
    assert set(environment) - {"LC_CTYPE"} <= {"PATH", "HOME", "LANG", "STARTED"}
    # The three, and the one that lists them.
    assert seen["descriptors"] == ["0", "1", "2", "3"]
    assert seen["group"] is True


def test_its_death_is_an_answer_to_everybody_who_waits_and_a_new_session_has_another(piped):
    house = piped()
    agent = house.agent()
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(wire_again(house, agent).call("hang")))
    waiting.start()
    time.sleep(0.5)
    seen = house.next_seq()
    answer = agent.call("crash")
    assert answer.status == 200 and "upstream_ended" in answer.body.decode(), answer
    waiting.join(5)
    assert heard and "upstream_ended" in heard[0].body.decode()
    for tool in ("crash", "hang"):
        outcomes = [record for record in house.records("call.outcome") if record["out"].get("code") == "upstream_ended"]
    assert len(outcomes) == 2 and all(record["out"]["st"] == "unknown" for record in outcomes)
    assert agent.call("add", {"a": 1}).status == 404
    assert house.agent().call("add", {"a": 1}).result["structuredContent"]["total"] == 1
    assert "process_ended" in house.log() and seen


def wire_again(house, agent):
    """The same session over another connection."""
    again = wire.Agent("https://" + agent.authority + agent.path, house.ca, version=agent.version)
    again.session, again.last_id = agent.session, 1000
    return again


def test_a_call_that_hangs_is_given_up_and_the_program_is_told(piped):
    house = piped("1")
    agent = house.agent()
    begun = time.monotonic()
    answer = agent.call("hang")
    assert "timed_out" in answer.body.decode()
    assert 4 < time.monotonic() - begun < 20
    houses.until(lambda: "the hanging call was cancelled" in house.log(), 5, "the cancellation")
    assert agent.call("add", {"a": 2}).result["structuredContent"]["total"] == 2


@pytest.mark.parametrize("text", ["hello", "[]", '{"jsonrpc": "2.0"}', '{"jsonrpc": "2.0", "id": 1, "id": 2, "result": {}}'])
def test_what_is_no_message_ends_it(piped, text):
    house = piped()
    agent = house.agent()
    answer = agent.call("garbage", {"text": text})
    assert "upstream_garbled" in answer.body.decode(), answer
    assert agent.call("add", {"a": 1}).status == 404
    houses.until(lambda: house.running() == [], 5, "its end")
    house.await_record("call.outcome", out_code="upstream_garbled")


def test_a_message_that_is_too_large_ends_it(piped):
    house = piped("1", upstream_settings="    limits: {result_bytes: 64KiB}")
    agent = house.agent()
    assert agent.call("echo", {"text": "x" * 50_000}).text == "x" * 50_000
    assert "upstream_garbled" in agent.call("echo", {"text": "x" * 70_000}).body.decode()


def test_what_it_complains_of_is_in_the_log_bounded_and_without_secrets(piped):
    house = piped()
    agent = house.agent()
    assert agent.call("complain", {"line": f"my key is {houses.UPSTREAM_KEY}!"}).text == "done"
    houses.until(lambda: "my key is [secret]! 0" in house.log(), 5, "the line")
    assert agent.call("complain", {"line": "flood " * 50, "times": 20_000}).text == "done"
    assert agent.call("complain", {"line": "y" * 5000 + houses.UPSTREAM_KEY}).text == "done"
    agent.delete()
    houses.until(lambda: "stderr_dropped" in house.log(), 12, "the count of what was dropped")
    log = house.log()
    assert houses.UPSTREAM_KEY not in log
    assert log.count("flood flood") < 5_000
    lines = [json.loads(line) for line in log.splitlines() if '"upstream.stderr"' in line]
    assert all(line["upstream"] == "torii" for line in lines) and len(lines) <= 150


def test_there_are_no_more_of_it_than_may_be(piped):
    house = piped("1", upstream_settings="    limits: {processes: 3}")
    agents = [house.agent() for _ in range(3)]
    late = wire.Agent(house.endpoint().url, house.ca)
    opening = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    assert "upstream_busy" in late.ask("initialize", opening).body.decode()
    assert len(house.running()) == 3
    agents[0].delete()
    houses.until(lambda: len(house.running()) == 2, 6, "room")
    houses.until(lambda: "result" in late.ask("initialize", opening).message, 5, "its place")


def test_many_sessions_leave_nothing_behind(piped):
    house = piped()
    descriptors = len(os.listdir(f"/proc/{house.process.pid}/fd"))
    for _ in range(3):
        agents = [house.agent() for _ in range(5)]
        for agent in agents:
            assert agent.call("add", {"a": 1}).status == 200
        for agent in agents[:3]:
            agent.delete()
            agent.close()
        for agent in agents[3:]:
            agent.call("crash")
            agent.close()
    houses.until(lambda: house.running() == [], 10, "the end of every process")
    assert len(house.started()) == 15
    houses.until(lambda: len(os.listdir(f"/proc/{house.process.pid}/fd")) <= descriptors + 4, 5, "every descriptor closed")


def test_one_that_cannot_begin_is_tried_less_and_less_often(piped):
    house = piped("1", "fails")
    endpoint = house.endpoint()
    opening = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    codes = set()
    for _ in range(12):
        body = wire.Agent(endpoint.url, house.ca).ask("initialize", opening).body.decode()
        codes.add("upstream_ended" if "upstream_ended" in body else "upstream_not_started" if "not_started" in body else body)
    assert codes == {"upstream_ended", "upstream_not_started"}
    assert len(house.started()) <= 6
    assert "this never works" in house.log()


def test_one_that_refuses_to_go_is_killed_with_all_that_it_started(piped):
    house = piped("1", "stays")
    agent = house.agent()
    assert agent.call("add", {"a": 1}).status == 200
    assert len(house.running()) == 2
    agent.delete()
    houses.until(lambda: house.running() == [], 8, "the end of both")


def test_none_outlives_the_program_that_started_it(piped):
    house = piped()
    agents = [house.agent() for _ in range(3)]
    assert all(agent.call("add", {"a": 1}).status == 200 for agent in agents)
    assert len(house.running()) == 3
    house.kill()
    houses.until(lambda: house.running() == [], 5, "the end of every process")


def test_a_reload_keeps_the_processes_of_what_stayed_the_same_and_ends_the_others(piped):
    house = piped()
    agent = house.agent()
    before = house.running()
    house.signal(signal.SIGHUP)
    houses.until(lambda: '"reloaded"' in house.log(), 5, "the reload")
    assert agent.call("add", {"a": 1}).status == 200 and house.running() == before
    house.pipes = ("1", "another")
    house.write_configuration()
    house.signal(signal.SIGHUP)
    houses.until(lambda: house.running() == [], 8, "the end of the old one")
    assert agent.call("add", {"a": 1}).status == 404
    assert house.agent().call("add", {"a": 1}).status == 200


# Without sessions.

def test_requests_of_2026_share_a_process_and_never_meet(piped):
    house = piped("2")
    endpoint = house.endpoint()
    heard = {}

    def call(number):
        heard[number] = modern(house, endpoint, "tools/call", {
            "name": "steps", "arguments": {"count": number, "pause": 0.1}, "_meta": {"progressToken": "same"}}, id="same")
    threads = [threading.Thread(target=call, args=(number,)) for number in (3, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for number, answer in heard.items():
        assert answer.message["id"] == "same" and answer.text == f"{number} steps", answer
        progress = [message["params"] for message in answer.messages if message.get("method") == "notifications/progress"]
        assert [step["progress"] for step in progress] == list(range(1, number + 1)), answer
        assert all(step["total"] == number and step["progressToken"] == "same" for step in progress)
    assert len(house.started()) == 1


def test_a_client_of_2026_that_goes_away_cancels_its_call(piped):
    house = piped("2")
    endpoint = house.endpoint()
    assert modern(house, endpoint, "tools/call", {"name": "add", "arguments": {"a": 1}}).status == 200
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "hang", "arguments": {}, "_meta": MODERN}}).encode()
    agent = wire.Agent(endpoint.url, house.ca)
    connection = wire.Connection(house.port, house.ca)
    connection.send(wire.request("POST", agent.path, agent.fields(
        MCP_Protocol_Version="2026-07-28", Mcp_Method="tools/call", Mcp_Name="hang"), body))
    time.sleep(1)
    connection.close()
    houses.until(lambda: "the hanging call was cancelled" in house.log(), 5, "the cancellation")
    assert modern(house, endpoint, "tools/call", {"name": "add", "arguments": {"a": 1}}).status == 200
    assert len(house.running()) == 1


# The operator's commands.

def test_check_and_doctor_understand_it(piped):
    house = piped()
    assert "fine" in house.run("check", house.configuration, config=False, code=4)
    found = json.loads(doctor(house).stdout)["findings"]
    [finding] = [finding for finding in found if finding["what"] == "upstream torii"]
    assert finding["state"] == "ok" and "python" in finding["text"]
    house.agent().call("add", {"a": 1})
    assert "add" in house.run("tools", "list")
    assert houses.UPSTREAM_KEY not in doctor(house).stdout


def doctor(house):
    return subprocess.run([str(houses.PROGRAM), "doctor", "--json", "--config", str(house.configuration)], text=True,
                          capture_output=True, timeout=60)

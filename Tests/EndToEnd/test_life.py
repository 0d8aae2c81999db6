"""Beginnings and ends: reloads, orderly stops, and stops that nobody ordered."""
import http.client
import json
import os
import random
import resource
import signal
import threading
import time

import house as houses
import wire


def test_a_reload_takes_all_of_a_file_or_nothing(house):
    agent = house.agent()
    assert "list_users" in agent.tools()
    policy = house.folder / "policy.yaml"
    right = policy.read_text(encoding="utf-8")
    seen = house.next_seq()
    policy.write_text(right.replace("methods: [read]", "methods: [reed]"), encoding="utf-8")
    house.signal(signal.SIGHUP)
    houses.until(lambda: "reed" in house.log(), 5, "the complaint")
    assert "list_users" in agent.tools(), "the broken file took effect"
    # One good change beside one mistake: neither.
    policy.write_text(right.replace("tags: [apps, users,", "tags: [apps,"), encoding="utf-8")
    original = house.configuration.read_text(encoding="utf-8")
    house.configuration.write_text(original + "unknown_key: 1\n", encoding="utf-8")
    house.signal(signal.SIGHUP)
    houses.until(lambda: "unknown_key" in house.log(), 5, "the complaint")
    assert "list_users" in agent.tools()
    house.configuration.write_text(original, encoding="utf-8")
    house.signal(signal.SIGHUP)
    houses.until(lambda: "list_users" not in agent.tools(), 5, "the reload")
    assert "list_apps" in agent.tools()
    assert agent.call("list_users").error["message"] == "Unknown tool: list_users"
    assert any(record["kind"] in ("policy.loaded", "config.changed") for record in house.records(since=seen))


def test_an_orderly_stop_finishes_what_is_being_done(house):
    agent = house.agent()
    stream = agent.listen()
    calling = agent.call_streaming("sample_progress", {"steps": 10, "seconds": 0.1}, _meta={"progressToken": 1})
    calling.until(lambda events: len(events) >= 2)
    answers = []
    slow = house.agent()
    thread = threading.Thread(target=lambda: answers.append(slow.call("sample_slow", {"seconds": 1})))
    thread.start()
    houses.until(lambda: house.reached("sample_slow") == 1)
    house.signal(signal.SIGTERM)
    found = calling.until(lambda events: any('"result"' in event["data"] for event in events), 8)
    assert any('"result"' in event["data"] for event in found)
    thread.join(8)
    assert answers[0].result.get("isError") is not True
    stream.end(10)
    assert house.process.wait(15) == 0
    assert house.records()[-1]["kind"] == "log.closed"


def test_nothing_new_begins_while_it_stops(house):
    agent = house.agent()
    calling = agent.call_streaming("sample_progress", {"steps": 15, "seconds": 0.1}, _meta={"progressToken": 1})
    calling.until(lambda events: len(events) >= 2)
    house.signal(signal.SIGTERM)
    time.sleep(0.3)
    try:
        wire.Connection(house.port, house.ca, timeout=1).close()
        connected = True
    except OSError:
        connected = False
    assert not connected
    calling.end(10)
    assert house.process.wait(15) == 0


class Load(threading.Thread):
    """Calls again and again, each call with a word of its own; keeps the words that were answered."""

    def __init__(self, house, endpoint, name):
        super().__init__(daemon=True)
        self.house, self.endpoint, self.word = house, endpoint, name
        self.answered, self.stopping = [], False

    def run(self):
        number = 0
        agent = wire.Agent(self.endpoint.url, self.house.ca)
        while not self.stopping:
            try:
                if agent.session is None:
                    agent.open()
                number += 1
                word = f"{self.word}n{number}"
                answer = agent.call("search_apps", {"q": word})
                if answer is not None and answer.status == 200 and "result" in answer.message:
                    self.answered.append((word, agent.last_id))
                else:
                    agent.session = None
            except (OSError, AssertionError):
                agent.session = None
                time.sleep(0.01)


def words(record):
    return record.get("args", {}).get("a", {}).get("q")


def test_twenty_deaths_under_load_lose_no_record(house):
    endpoint = house.endpoint()
    rounds = int(os.environ.get("KOMAINU_KILL_ROUNDS", "20"))
    chance = random.Random(4711)
    answered, forwarded = set(), set()
    seen = len(house.received())
    for number in range(rounds):
        loads = [Load(house, endpoint, f"r{number}w{worker}") for worker in range(4)]
        for load in loads:
            load.start()
        time.sleep(0.15 + chance.random() * 0.25)
        house.kill()
        for load in loads:
            load.stopping = True
        for load in loads:
            load.join(10)
        answered |= {word for load in loads for word, _ in load.answered}
        received = house.received(seen)
        seen += len(received)
        forwarded |= {json.loads(one["body"])["params"]["arguments"]["q"] for one in received
                      if one["body"] and json.loads(one["body"]).get("method") == "tools/call"}
        house.start()
        house.verify()
    assert len(answered) > rounds, "there was no load"
    trail = house.trail()
    intents = {words(record): record["cid"] for record in trail if record["kind"] == "call.intent" and words(record)}
    outcomes = {record["cid"] for record in trail if record["kind"] == "call.outcome"}
    orphaned = {record["cid"] for record in trail if record["kind"] == "call.orphaned"}
    assert forwarded <= set(intents), f"forwarded without an intent: {sorted(forwarded - set(intents))[:5]}"
    assert answered <= set(intents)
    assert {intents[word] for word in answered} <= outcomes, "an answered call has no outcome"
    assert set(intents.values()) <= outcomes | orphaned, "a call that began has no end"
    assert [record["seq"] for record in trail] == list(range(len(trail)))
    assert sum(record["kind"] == "log.recovered" for record in trail) >= 1


def test_a_trail_that_was_changed_is_told(house):
    house.agent().call("list_apps", {"size": 1})
    assert house.stop() == 0
    house.verify()
    segment = sorted(house.trail_folder.rglob("*.jsonl"))[0]
    original = segment.read_bytes()
    segment.write_bytes(original.replace(b'"list_apps"', b'"list_appz"', 1))
    house.verify(code=1)
    lines = original.splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:-1]))
    house.verify(code=1)
    segment.write_bytes(b"".join(lines[:2] + lines[3:]))
    house.verify(code=1)
    segment.write_bytes(original)
    house.verify()


def test_a_log_that_cannot_be_written_forwards_nothing(house):
    # The directory's file system is full as far as the program can tell: no file may grow.
    agent = house.agent()
    agent.call("list_apps")
    before = house.reached()
    resource.prlimit(house.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    answer = agent.call("list_apps", {"size": 1})
    assert answer.status == 503 or "error" in answer.message or answer.result["isError"], answer
    assert house.reached() == before
    health = wire_admin(house, "/readyz")
    assert health != 200
    house.kill()
    house.start()


def test_a_trail_that_is_cut_while_it_is_written_forwards_nothing_until_it_is_whole(house):
    agent = house.agent()
    agent.call("list_apps")
    segment = sorted(house.trail_folder.rglob("*.jsonl"))[-1]
    whole = segment.read_bytes()
    os.truncate(segment, len(whole) - 100)
    before = house.reached()
    assert agent.call("list_apps", {"size": 1}).status == 503
    assert house.reached() == before
    assert wire_admin(house, "/readyz") == 503
    assert "file_changed" in house.log()
    segment.write_bytes(whole)
    houses.until(lambda: wire_admin(house, "/readyz") == 200, 20, "a log that goes on")
    assert agent.call("list_apps", {"size": 1}).status == 200
    assert house.reached() == before + 1


def wire_admin(house, path):
    connection = http.client.HTTPConnection("127.0.0.1", house.admin_port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse().status

"""An upstream that is gone, slow, cut off or lying: each has its answer to the client and its place in the trail."""
import json
import time

import pytest

import expectations
import house as houses
import upstream
import wire

PERSON = "maren.okonjo@northquay.example"


def failed(house, agent, tool="list_apps", arguments=None, seconds=10):
    """Calls; the answer must be in-band with the request's id, say nothing of the upstream's, and be recorded."""
    seen = house.next_seq()
    begun = time.monotonic()
    answer = agent.call(tool, arguments)
    took = time.monotonic() - begun
    assert answer is not None and answer.status == 200, answer
    assert answer.message["id"] == agent.last_id, answer
    assert "error" in answer.message or answer.result["isError"] is True, answer
    assert not expectations.leaks(answer.body.decode()), answer
    assert took < seconds
    intent = house.await_record("call.intent", since=seen, mcp_tool=tool)
    outcome = house.await_record("call.outcome", since=intent["seq"])
    assert outcome["cid"] == intent["cid"]
    assert outcome["out"]["st"] != "ok", outcome
    return answer, outcome


@pytest.mark.parametrize("fault, options", [
    ("status", {"status": 401, "fields": {"www-authenticate": 'Bearer resource_metadata="https://api.torii.example/x"'}}),
    ("status", {"status": 403, "body": f"not for {PERSON}", "type": "text/html"}),
    ("status", {"status": 500, "body": f'{{"jsonrpc":"2.0","id":@ID@,"error":{{"code":-32603,"message":"{PERSON}"}}}}'}),
    ("status", {"status": 502}), ("status", {"status": 503, "fields": {"retry-after": "5"}}),
    ("status", {"status": 202, "body": ""}), ("status", {"status": 204}),
    ("redirect", {"location": "https://elsewhere.example/mcp"}), ("redirect", {"location": "/mcp", "status": 308}),
    ("cut", {"bytes": 40}), ("cut", {"bytes": 0}),
    ("type", {"type": "text/plain"}), ("type", {"type": "text/html"}), ("type", {"type": "text/event-stream"}),
    ("type", {"type": "application/json; charset=utf-16"}), ("type", {"type": ""}),
    ("gzip", {}), ("id", {"id": 999_999}), ("id", {"id": "1"}), ("id", {"id": None}),
    ("sse", {"bom": True}), ("sse", {"unfinished": True}), ("sse", {"type": "application/json"}),
    ("raw", {"body": ""}), ("raw", {"body": "{"}), ("raw", {"body": "null"}), ("raw", {"body": "[]"}),
    ("raw", {"body": '[{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}]'}),
    ("raw", {"body": '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]},"result":{"content":[]}}'}),
    ("raw", {"body": '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}} x'}),
    ("raw", {"body": '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]},"error":{"code":1,"message":"m"}}'}),
    ("raw", {"body": '{"jsonrpc":"2.0","id":@ID@}'}),
    ("raw", {"body": '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"\\ud800"}]}}'}),
    ("raw", {"body": "<html>" + PERSON + "</html>", "type": "text/html"}),
    ("huge", {"bytes": 40_000_000}),
    ("slow", {"seconds": 8}), ("stall", {"seconds": 12}),
])
def test_a_faulty_answer_is_told_in_band_and_recorded(shared, fault, options):
    agent = shared.agent()
    agent.tools()
    shared.fault(fault, **options)
    answer, outcome = failed(shared, agent, "list_users", {"size": 3})
    for value in ("torii.example", "elsewhere.example", "retry-after", "html"):
        assert value not in answer.body.decode().lower()
    assert "location" not in dict(answer.fields) and "www-authenticate" not in dict(answer.fields)
    # The conversation goes on.
    assert agent.call("list_users", {"size": 1}).result.get("isError") is not True


@pytest.mark.parametrize("options", [
    {"event": "message"}, {"piece": 1}, {"piece": 7, "line_end": "\r\n"}, {"line_end": "\r"},
    {"before": [{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": PERSON}}]},
    {"before": [{"jsonrpc": "2.0", "id": 5, "method": "roots/list"}]},
])
def test_an_answer_as_a_stream_is_understood_however_it_is_written(shared, options):
    agent = shared.agent()
    shared.fault("sse", **options)
    answer = agent.call("list_users", {"size": 3})
    assert json.loads(answer.text)["users"][0]["id"] == 41207
    assert not expectations.leaks(answer.body.decode())
    assert not any(message.get("method") == "roots/list" for message in answer.messages)


def test_a_result_of_another_shape_shows_nobody(shared):
    shared.fault("raw", body='{"jsonrpc":"2.0","id":@ID@,"result":{"content":"' + PERSON + '","other":{"email":"' + PERSON + '"}}}')
    assert PERSON not in shared.agent().call("list_users").body.decode()


def test_one_call_in_is_one_call_out(shared):
    agent = shared.agent()
    agent.call("list_users")
    before = shared.reached()
    for number in range(5):
        agent.call("list_users", {"size": 1})
    assert shared.reached() == before + 5


def test_a_rate_limit_is_passed_on_as_what_it_is(shared):
    agent = shared.agent()
    agent.tools()
    limits = {"retry-after": "7", "ratelimit-limit": "100;w=60", "ratelimit-remaining": "0", "ratelimit-reset": "7"}
    shared.fault("status", status=429, fields=limits, body=PERSON)
    before, seen = shared.reached("list_users"), shared.next_seq()
    answer = agent.call("list_users")
    assert answer.status == 429 and answer.error, answer
    assert {name: answer.field(name) for name in limits} == limits
    assert PERSON not in answer.body.decode()
    assert shared.reached("list_users") == before + 1, "it was tried again"
    assert shared.await_record("call.outcome", since=seen, mcp_tool="list_users")["out"]["st"] != "ok"


def test_a_session_that_the_upstream_forgot_is_ended(house):
    agent = house.agent()
    house.control("POST", {"forget": "sessions"})
    answer = agent.call("list_users", {"size": 1})
    assert answer.status in (200, 404), answer
    # A client that begins again is served.
    agent.session = None
    assert agent.open().call("list_users", {"size": 1}).result.get("isError") is not True


def test_an_upstream_that_is_gone_is_said_to_be_and_comes_back(house):
    agent = house.agent()
    agent.call("list_apps")
    house.stop_sample()
    failed(house, agent)
    failed(house, agent)
    assert house.process.poll() is None
    house.start_sample()
    agent.session = None
    houses.until(lambda: agent.open() and agent.call("list_apps", {"size": 1}).result.get("isError") is not True, 10)


def test_an_upstream_with_another_certificate_is_not_spoken_to(build, tmp_path):
    house = build()
    stranger = upstream.RawUpstream(houses.make_certificates(tmp_path / "others"), lambda message: None)
    house.upstream = stranger.url
    house.write_configuration()
    try:
        house.start()
        endpoint = house.endpoint()
        answer = wire.Agent(endpoint.url, house.ca).ask("initialize", {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}})
        assert answer.status in (200, 502), answer
        assert "error" in answer.message
        assert stranger.calls == 0
    finally:
        house.close()
        stranger.close()


RESULT = b'{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"ok"}]}}'
JSON = b"Content-Type: application/json\r\n"


def head(*fields, status=b"200 OK", version=b"HTTP/1.1"):
    return version + b" " + status + b"\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


WIRE_FAULTS = {
    "length-too-long": lambda b: head(JSON[:-2], b"Content-Length: %d" % (len(b) + 10)) + b,
    "two-lengths": lambda b: head(JSON[:-2], b"Content-Length: %d" % len(b), b"Content-Length: 3") + b,
    "negative-length": lambda b: head(JSON[:-2], b"Content-Length: -1") + b,
    "length-and-chunked": lambda b: head(JSON[:-2], b"Content-Length: 3", b"Transfer-Encoding: chunked")
    + b"%x\r\n%s\r\n0\r\n\r\n" % (len(b), b),
    "bad-chunk-size": lambda b: head(JSON[:-2], b"Transfer-Encoding: chunked") + b"zz\r\n%s\r\n0\r\n\r\n" % b,
    "no-last-chunk": lambda b: head(JSON[:-2], b"Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (len(b), b),
    "other-coding": lambda b: head(JSON[:-2], b"Transfer-Encoding: gzip, chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(b), b),
    "not-http": lambda b: b"220 smtp.example ready\r\n" + b,
    "http-2": lambda b: head(JSON[:-2], b"Content-Length: %d" % len(b), version=b"HTTP/2.0") + b,
    "no-status": lambda b: b"HTTP/1.1\r\n" + JSON + b"\r\n" + b,
    "folded-field": lambda b: head(JSON[:-2], b"X-A: 1\r\n folded", b"Content-Length: %d" % len(b)) + b,
    "space-before-colon": lambda b: head(b"Content-Type : application/json", b"Content-Length: %d" % len(b)) + b,
    "nul-in-field": lambda b: head(JSON[:-2], b"X-A: a\x00b", b"Content-Length: %d" % len(b)) + b,
    "endless-head": lambda b: b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n" + b,
    "two-types": lambda b: head(JSON[:-2], b"Content-Type: text/html", b"Content-Length: %d" % len(b)) + b,
    "closed-at-once": lambda b: None,
    "closed-in-the-head": lambda b: b"HTTP/1.1 200 OK\r\nContent-Ty",
}


@pytest.fixture(scope="module")
def raw(build, certificates):
    server = upstream.RawUpstream(certificates)
    house = build(upstream=server.url)
    try:
        house.start()
        yield house, server
        house.stop()
        house.verify()
    finally:
        house.close()
        server.close()


def test_the_raw_upstream_is_understood_when_it_is_right(raw):
    house, server = raw
    server.script = lambda message: upstream.answer(
        {"jsonrpc": "2.0", "id": message["id"], "result": {"content": [{"type": "text", "text": "ok"}]}})
    assert house.agent().call("list_apps").text == "ok"


@pytest.mark.parametrize("fault", WIRE_FAULTS)
def test_an_ambiguous_or_broken_answer_is_not_passed_on(raw, fault):
    house, server = raw
    agent = house.agent()
    agent.tools()
    server.script = lambda message: WIRE_FAULTS[fault](RESULT % str(message["id"]).encode())
    before = server.calls
    failed(house, agent)
    assert server.calls == before + 1, "a call that had been sent was sent again"

"""`komainu connect`: clients that only start programs reach servers over HTTP, and hear what they would hear there."""
import json
import os
import signal
import subprocess
import threading
import time
import types

import bridge as bridges
import house as houses
import pytest
import upstream
from test_transparent import ASKING, STEPS, transcript

STARTING = ["sdk1", "sdk2", "sdk2-legacy"]


def command(url, house, *more):
    return [str(houses.PROGRAM), "connect", url, "--ca", str(house.ca), *more]


@pytest.fixture
def bridge():
    """Starts bridges, and sees to it that none survives its test."""
    started = []

    def start(*words, **more):
        started.append(bridges.Bridge(*words, **more))
        return started[-1]
    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="module", params=[(1, ()), (1, ("json",)), (1, ("resumable",)), (2, ()), (2, ("json", "stateless"))],
                ids=lambda param: "-".join([f"server{param[0]}", *param[1]]))
def glass(request, build):
    """A house with a server of everything behind it and a policy that lets everything pass."""
    made = build(policy="transparent.yaml", catalog="[everything.yaml]")
    try:
        made.steps = STEPS + ([] if "json" in request.param[1] else [ASKING])
        made.start_everything(request.param[0], *request.param[1])
        yield made.start()
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


@pytest.mark.parametrize("kind", STARTING)
def test_a_client_over_pipes_hears_what_it_hears_over_http(glass, client, kind, tmp_path):
    direct = types.SimpleNamespace(url=glass.upstream)
    over_http = transcript(client(kind, glass, direct, glass.steps, name="Ada").rest())
    over_pipes = transcript(client(kind, glass, direct, glass.steps, name="Ada", command=command(glass.upstream, glass),
                                   errors=str(tmp_path / "errors")).rest())
    assert [pair for pair in zip(over_pipes, over_http) if pair[0] != pair[1]] == []
    assert len(over_pipes) == len(over_http)


@pytest.mark.parametrize("kind", STARTING)
def test_a_client_over_pipes_reaches_the_server_through_the_proxy(glass, client, kind, tmp_path):
    endpoint = glass.endpoint()
    over_http = transcript(client(kind, glass, endpoint, glass.steps, name="Ada").rest())
    errors = tmp_path / "errors"
    over_pipes = transcript(client(kind, glass, endpoint, glass.steps, name="Ada", command=command(endpoint.url, glass),
                                   errors=str(errors)).rest())
    assert [pair for pair in zip(over_pipes, over_http) if pair[0] != pair[1]] == []
    assert len(over_pipes) == len(over_http)
    assert endpoint.token not in errors.read_text()


# What ends it.

def test_the_end_of_input_ends_it_and_its_session(shared, bridge):
    one = bridge(shared.endpoint().url, "--ca", shared.ca)
    assert one.open()["result"]["serverInfo"]
    assert "result" in one.call("list_apps", {"size": 1})
    before = len(shared.received())
    assert one.end() == 0
    assert one.complaint == ""
    assert "DELETE" in json.dumps(shared.received()[before:])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_though_a_call_is_under_way(shared, bridge, number):
    one = bridge(shared.endpoint().url, "--ca", shared.ca)
    one.open()
    shared.fault("slow", seconds=2.8)
    one.say("tools/call", {"name": "list_apps", "arguments": {"size": 1}}, id=7)
    time.sleep(0.3)
    begun = time.monotonic()
    one.process.send_signal(number)
    assert one.wait() == 0
    assert time.monotonic() - begun < 2.3


def test_what_was_asked_before_the_end_of_input_is_answered(shared, bridge):
    one = bridge(shared.endpoint().url, "--ca", shared.ca)
    one.open()
    for number in range(20):
        one.say("tools/call", {"name": "list_apps", "arguments": {"size": 1}}, id=number)
    assert one.end() == 0
    answers = [message for message in iter(one.hear, None)]
    assert sorted(answer["id"] for answer in answers) == list(range(20))
    assert all("result" in answer for answer in answers)


def test_a_client_that_no_longer_reads_ends_it(shared):
    process = subprocess.Popen(command(shared.endpoint().url, shared), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.close()
    try:
        process.stdin.write(b'{"jsonrpc":"2.0","id":2,"method":"ping"}\n')
        process.stdin.flush()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


# What comes in.

def test_messages_may_come_in_pieces_or_many_at_once(shared, bridge):
    one = bridge(shared.endpoint().url, "--ca", shared.ca)
    one.open()
    for byte in b'{"jsonrpc":"2.0","id":"pieces","method":"ping"}\r\n':
        one.write(bytes([byte]))
        time.sleep(0.001)
    assert one.hear() == {"jsonrpc": "2.0", "id": "pieces", "result": {}}
    one.write(b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % number for number in range(50)) + b"\n \n")
    assert sorted(one.hear()["id"] for _ in range(50)) == list(range(50))
    assert one.end() == 0


@pytest.mark.parametrize("line, code, id", [
    (b"nonsense", -32700, None), (b"[]", -32600, None), (b'{"jsonrpc":"2.0","id":1}', -32600, 1),
    (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700, None), (b"\xff", -32700, None),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
])
def test_what_is_no_message_is_said_so_and_goes_nowhere(shared, bridge, line, code, id):
    one = bridge(shared.endpoint().url, "--ca", shared.ca)
    one.open()
    one.call("list_apps", {"size": 1})
    before = shared.reached()
    one.write(line + b"\n")
    answer = one.hear()
    assert answer["error"]["code"] == code and answer.get("id") == id
    one.say("ping", id=9)
    assert one.hear_until(9)[-1]["result"] == {}
    assert shared.reached() == before + 1
    assert one.end() == 0


def test_a_large_message_comes_whole_either_way(glass, bridge):
    text = "Grüße \U0001f98a\\" * 130_000
    one = bridge(glass.upstream, "--ca", glass.ca)
    one.open()
    assert one.call("echo", {"text": text}, seconds=60)["result"]["content"][0]["text"] == text
    assert one.end() == 0


def test_a_cancelled_call_is_cancelled_at_the_server(shared, bridge):
    one = bridge(shared.endpoint().url, "--ca", shared.ca)
    one.open()
    one.call("list_apps", {"size": 1}, id=0)
    before = len(shared.received())
    shared.fault("slow", seconds=2.5)
    one.say("tools/call", {"name": "list_apps", "arguments": {"size": 1}}, id=7)
    time.sleep(0.4)
    one.say("notifications/cancelled", {"requestId": 7, "reason": "enough"})
    one.say("ping", id=8)
    heard = one.hear_until(8)
    assert [message.get("id") for message in heard] == [8]
    assert "notifications/cancelled" in json.dumps(shared.received()[before:])
    assert one.end() == 0


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def events(*parts):
    """The beginning of a stream; its end never comes."""
    text = "".join(parts).encode()
    return EVENTS + b"%x\r\n%s\r\n" % (len(text), text)


def test_a_broken_stream_is_resumed_after_its_last_event(certificates, bridge):
    def stream(fields):
        if "last-event-id" not in fields:
            return b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n"
        if fields["last-event-id"] == "one":
            return events("id: two\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n")
        return events("id: three\ndata: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[]}}\n\n")
    server = upstream.RawUpstream(
        certificates, lambda message: events("id: one\nretry: 50\ndata:\n\n"), stream)
    one = bridge(server.url, "--ca", certificates / "ca.pem")
    one.open()
    one.say("tools/call", {"name": "list_apps", "arguments": {}}, id=3)
    heard = one.hear_until(3)
    assert [message.get("method") for message in heard] == ["notifications/message", None]
    assert heard[-1]["result"] == {"content": []}
    resumed = [head["last-event-id"] for head in server.heads if "last-event-id" in head]
    assert resumed == ["one", "two"]
    assert all(head["mcp-session-id"] == "raw-session" and head["mcp-protocol-version"] == "2025-06-18"
               for head in server.heads[1:])
    assert one.end() == 0
    assert server.heads[-1][":method"] == "DELETE"
    server.close()


def test_a_stream_that_cannot_be_resumed_is_an_error(certificates, bridge):
    server = upstream.RawUpstream(certificates, lambda message: events("id: one\nretry: 50\ndata:\n\n"))
    one = bridge(server.url, "--ca", certificates / "ca.pem")
    one.open()
    assert one.call("list_apps", id=3)["error"]["code"] == 53102
    assert one.end() == 0
    server.close()


MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
MIRRORING = {"tools": [{"name": "grüßen", "inputSchema": {"type": "object", "properties": {
    "place": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
    "count": {"type": "integer", "x-mcp-header": "Count"}, "sure": {"type": "boolean", "x-mcp-header": "Sure"},
    "list": {"type": "array", "items": {"type": "string", "x-mcp-header": "Never"}},
    "other": {"type": "string", "x-mcp-header": "Other"}}}}]}


def test_a_message_of_2026_gets_the_fields_that_repeat_it(certificates, bridge):
    def script(message):
        if "mcp-param-region" not in server.heads[-1]:
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32020, "message": "no"}}).encode()
            return (b"HTTP/1.1 400 No\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)) + body
        return upstream.answer({"jsonrpc": "2.0", "id": message["id"], "result": {"resultType": "complete", "content": []}})
    server = upstream.RawUpstream(certificates, script)
    server.listed = MIRRORING
    one = bridge(server.url, "--ca", certificates / "ca.pem", "--header", "X-Trial: yes")
    # Not listed before: the bridge finds out by itself, and asks again.
    answer = one.call("grüßen", {"place": {"region": "süd"}, "count": 12, "sure": True, "list": ["a"]}, meta=MODERN)
    assert answer.get("result", {}).get("content") == [], (answer, server.heads, one.complaint)
    first, listing, second = server.heads
    assert first["mcp-method"] == second["mcp-method"] == "tools/call" and listing["mcp-method"] == "tools/list"
    assert first["mcp-name"] == second["mcp-name"] == "=?base64?Z3LDvMOfZW4=?="
    assert {name: value for name, value in second.items() if "param" in name} == {
        "mcp-param-region": "=?base64?c8O8ZA==?=", "mcp-param-count": "12", "mcp-param-sure": "true"}
    for head in server.heads:
        assert head["mcp-protocol-version"] == "2026-07-28" and head["x-trial"] == "yes" and "mcp-session-id" not in head
    assert one.end() == 0
    assert len(server.heads) == 3
    server.close()


def test_a_cancelled_call_of_2026_closes_its_request(certificates, bridge):
    closed = threading.Event()

    def script(message):
        # Nothing is answered; the end of the connection is what is waited for.
        time.sleep(0.2)
        return EVENTS
    server = upstream.RawUpstream(certificates, script)
    ended = server._serve
    server._serve = lambda plain: (ended(plain), closed.set())
    one = bridge(server.url, "--ca", certificates / "ca.pem")
    one.say("tools/call", {"name": "x", "_meta": MODERN}, id=1)
    houses.until(lambda: server.calls == 1, what="the call")
    one.say("notifications/cancelled", {"requestId": 1})
    assert closed.wait(5)
    one.say("tools/list", {"_meta": MODERN}, id=2)
    assert [message["id"] for message in one.hear_until(2)] == [2]
    assert len(server.heads) == 2, "the cancellation is no message of its own"
    assert one.end() == 0 and one.complaint == ""
    server.close()


# What is wrong.

def test_a_wrong_token_is_said_so_and_never_shown(shared, bridge):
    secret = "x" * 20 + "SECRET" + "y" * 17
    one = bridge(f"https://localhost:{shared.port}/mcp/{secret}", "--ca", shared.ca)
    one.say("initialize", bridges.OPENING, id=0)
    answer = one.hear()
    assert answer["id"] == 0 and answer["error"]["message"]
    assert one.end() == 0
    assert one.complains("40"), one.complaint
    assert "SECRET" not in one.complaint + json.dumps(answer)


def test_a_server_that_is_gone_is_said_so_and_comes_back(house, bridge):
    endpoint = house.endpoint()
    one = bridge(endpoint.url, "--ca", house.ca)
    one.open()
    one.call("list_apps", {"size": 1})
    assert house.stop() == 0
    for number in range(3):
        answer = one.call("list_apps", id=f"gone {number}")
        assert "reached" in answer["error"]["message"] and answer["error"]["code"] == 53100
    house.start()
    answer = one.call("list_apps", id="after")
    assert "error" in answer and one.complains("over")
    # A client that begins anew is served.
    assert "result" in one.open()
    assert "result" in one.call("list_apps", {"size": 1}, id="anew")
    assert one.end() == 0
    assert endpoint.token not in one.complaint


@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 500, 503])
def test_a_status_that_is_no_answer_becomes_one(certificates, bridge, status):
    raw = upstream.RawUpstream(certificates, lambda message: b"HTTP/1.1 %d X\r\nContent-Type: text/html\r\n"
                               b"Location: https://elsewhere.example/\r\nContent-Length: 4\r\n\r\n<hr>" % status)
    one = bridge(raw.url, "--ca", certificates / "ca.pem")
    one.open()
    answer = one.call("list_apps", id=3)
    assert answer["error"]["code"] == 53101 and str(status) in answer["error"]["message"]
    assert one.complains(str(status))
    assert "result" in one.open()
    assert one.end() == 0
    raw.close()


@pytest.mark.parametrize("raw, word", [
    (b"", "broke off"), (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{", "broke off"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", "neither"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]", "read"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\n: ", "ended"),
    (b"HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n", "no answer"), (b"nonsense\r\n\r\n", "proper HTTP"),
    (upstream.answer({"jsonrpc": "2.0", "id": "another", "result": {}}), "another request"),
])
def test_an_answer_that_is_none_becomes_an_error(certificates, bridge, raw, word):
    server = upstream.RawUpstream(certificates, lambda message: raw)
    one = bridge(server.url, "--ca", certificates / "ca.pem")
    one.open()
    answer = one.call("list_apps", id=3)
    assert word in answer["error"]["message"], answer
    one.say("tools/list", id=4)
    assert "result" in one.hear_until(4)[-1]
    assert one.end() == 0
    server.close()


def test_a_certificate_of_nobody_is_refused(shared, bridge):
    one = bridge(shared.endpoint().url)
    one.say("initialize", bridges.OPENING, id=0)
    assert "certificate" in one.hear()["error"]["message"]
    assert one.end() == 0


@pytest.mark.parametrize("words", [
    [], ["ftp://localhost/"], ["http://example.com/mcp/SECRET"], ["https://ada:SECRET@localhost/"],
    ["https://localhost/", "--header", "no-colon-SECRET"], ["https://localhost/", "--header", "Mcp-Session-Id: SECRET"],
    ["https://localhost/", "--header", "Authorization: Basic SECRET"], ["https://localhost/", "--header", "a b: SECRET"],
    ["https://localhost/", "--header", "Authorization: Bearer SECRET", "--token-file", "/dev/null"],
    ["https://localhost/", "--url-file", "/dev/null"], ["--url-file", "/dev/null"],
])
def test_a_command_line_that_cannot_be_meant_is_refused_without_its_secrets(bridge, words):
    one = bridge(*words)
    assert one.end() == 2
    assert one.complaint and "SECRET" not in one.complaint


# What goes along.

def test_fields_and_tokens_go_along_and_a_new_token_counts(house, bridge, tmp_path):
    endpoint = house.endpoint(dual=True)
    token = house.token([endpoint])["token"]
    one = bridge(endpoint.url, "--ca", house.ca, "--header", f"Authorization: Bearer {token}")
    assert "result" in one.open()
    assert one.end() == 0
    file = tmp_path / "token"
    file.write_text("wrong-token\n")
    two = bridge(endpoint.url, "--ca", house.ca, "--token-file", file)
    two.say("initialize", bridges.OPENING, id=0)
    assert "error" in two.hear()
    file.write_text(token + "\n")
    houses.until(lambda: "result" in two.open(), 10, "the new token")
    assert two.end() == 0
    assert token not in one.complaint + two.complaint


def test_the_url_may_stand_in_a_file(house, bridge, tmp_path):
    file = tmp_path / "url"
    file.write_text(house.endpoint().url + "\n")
    one = bridge("--url-file", file, "--ca", house.ca)
    assert "result" in one.open()
    assert one.end() == 0


def test_what_show_prints_for_desktop_clients_works_as_it_is(house, client, tmp_path):
    endpoint = house.endpoint(dual=True)
    token = house.token([endpoint])["token"]
    shown = house.run("endpoint", "show", endpoint.id)
    assert endpoint.token not in shown and token not in shown
    line = next(line for line in shown.splitlines() if "mcpServers" in line)
    [settings] = json.loads(line)["mcpServers"].values()
    words = [word.replace("ENDPOINT-TOKEN", endpoint.token).replace("Bearer TOKEN", f"Bearer {token}")
             for word in settings["args"]]
    assert os.path.isabs(settings["command"])
    lines = client("sdk1", house, endpoint, [{"do": "list"}], command=[settings["command"], *words],
                   errors=str(tmp_path / "errors")).rest()
    assert lines[1]["tools"] and lines[-1] == {"ended": None}


def test_a_proxy_is_asked_for_the_way(shared, bridge):
    port = houses.free_port()
    one = bridge("https://mcp.example/", environment=os.environ | {"HTTPS_PROXY": f"http://127.0.0.1:{port}"})
    one.say("ping", id=1)
    assert "reached" in one.hear()["error"]["message"]
    assert one.end() == 0

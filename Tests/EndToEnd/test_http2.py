"""HTTP/2: the same answers, the same gate, streams that end alone, clients of others, and floods."""
import json
import os
import re
import subprocess
import time

import pytest

import house as houses
import test_refused
import wire
import wire2


@pytest.fixture(scope="module")
def endpoint(shared):
    return shared.endpoint(name="http2")


@pytest.fixture
def agent(shared, endpoint):
    made = wire2.Agent(endpoint.url, shared.ca).open()
    yield made
    made.close()


def without_what_varies(answer):
    text = re.sub(rb'"(decision|com\.komainu/decision|cursor|nextCursor)":"[^"]*"', b"", answer.body)
    fields = {name for name, _ in answer.fields} - {"content-length", "transfer-encoding", "connection"}
    return answer.status, fields, re.sub(rb"[0-9A-Z]{26}|[0-9a-f-]{36}", b"", text)


def test_gives_the_same_answers_as_over_http1(shared, endpoint, agent):
    old = shared.agent(endpoint)
    try:
        for method, params in [("tools/list", None), ("ping", None), ("nothing/such", {}),
                               ("tools/call", {"name": "list_users", "arguments": {"size": 3}}),
                               ("tools/call", {"name": "list_users", "arguments": {"size": 100_000}}),
                               ("tools/call", {"name": "create_app", "arguments": {}}),
                               ("tools/call", {"name": "nothing_such", "arguments": {}})]:
            seen = [without_what_varies(one.ask(method, params, id=77)) for one in (old, agent)]
            assert seen[0] == seen[1], method
    finally:
        old.close()


def test_has_no_field_of_a_connection_and_no_status_text(agent):
    answer = agent.call("list_apps", {"size": 1})
    names = [name for name, _ in answer.fields]
    assert not {"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"} & set(names)
    assert names == [name.lower() for name in names] and "date" in names


def test_many_requests_at_once_are_answered_each_by_itself(shared, agent):
    connection = agent.connection()
    slow = agent.begin_call("sample_slow", {"seconds": 2.5})
    calls = [agent.begin_call("list_apps", {"size": 1}) for _ in range(20)]
    answers = [connection.answer(number) for number in calls]
    assert not connection.over(slow)
    ids = [answer.message["id"] for answer in answers]
    assert len(set(ids)) == 20 and all(answer.status == 200 for answer in answers)
    assert connection.answer(slow).result.get("isError") is not True


def test_streams_of_events_live_beside_each_other(agent):
    connection = agent.connection()
    own = agent.begin_listening()
    call = agent.begin_call("sample_progress", {"steps": 6, "seconds": 0.05}, _meta={"progressToken": 1})
    assert connection.until(lambda: len(wire.events(connection.streams[call]["body"])) >= 2)
    assert agent.call("list_apps", {"size": 1}).status == 200
    assert connection.answer(call).result
    assert connection.streams[own]["status"] == 200 and not connection.over(own)
    connection.http.reset_stream(own, 8)
    connection.flush()
    assert agent.call("list_apps", {"size": 1}).status == 200


CASES = [pytest.param(case, id=f"{stem}: {case['name']}")
         for stem in ("envelope", "json", "tools", "targets", "fields") for case in test_refused.FILE_CASES[stem]
         if "raw" not in case]


@pytest.mark.parametrize("case", CASES)
def test_a_request_is_refused_as_over_http1(shared, agent, case):
    """What HTTP/1.1 alone can say is left out: Host, framing, fields of the connection."""
    written = test_refused.written(agent, case)
    head, _, body = written.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    special = {"host", "connection", "transfer-encoding", "content-length", "upgrade", "te", "expect", "keep-alive"}
    changed = {name.lower() for name in case.get("fields", {})}
    if changed & special or any(ord(letter) > 126 for line in lines for letter in line):
        pytest.skip("cannot be said over HTTP/2")
    before = shared.reached()
    old = agent.raw(written, to_head=method == "HEAD")
    new = agent.raw_request(method, path, [(name, value) for name, value in fields if name not in special], body)
    assert new is not None and new.status == old.status, (old, new)
    if b"jsonrpc" in old.body:
        assert new.message.get("error", {}).get("code") == old.message.get("error", {}).get("code")
    else:
        # Which words the edge has for it may differ where HTTP/2 has another place for the same thing.
        assert new.body.split(b".")[0] == old.body.split(b".")[0]
    assert shared.reached() == before


def test_what_the_edge_refuses_is_recorded_with_its_reason(house):
    agent = wire2.Agent(house.endpoint().url, house.ca).open()
    seen = house.next_seq()
    connection = agent.connection()
    right = agent._fields("POST", agent.fields())
    for fields, status in [
            (right + [("X-Upper", "a")], 400), (right + [("transfer-encoding", "chunked")], 400),
            (right + [("te", "gzip")], 400), (right + [("host", "evil.test")], 400),
            (right + [("x", "a\r\nb")], 400), (right + [(":path", "/mcp/other")], 400),
            ([("a", "b")] + right, 400), (right[1:], 400),
            ([(":authority", "evil.test") if name == ":authority" else (name, value) for name, value in right], 421),
            (right + [("x", "a" * 8000)] * 3, 431)]:
        answer = connection.answer(connection.begin(fields, b"{}"))
        assert answer is not None and answer.status == status, (fields, answer)
    for reason in ["malformed.badFieldName", "malformed.connectionField", "malformed.targetContradictsHost",
                   "malformed.bareCarriageReturn", "malformed.badPseudoField", "malformed.headTooLarge",
                   "hostNotAllowed"]:
        house.await_record("request.refused", since=seen, dec_why=f"edge_{reason}")
    assert agent.call("list_apps", {"size": 1}).status == 200, "the connection lives on"
    agent.close()


# Clients of others.

def message_file(folder, method="tools/call"):
    path = folder / "message.json"
    more = {"id": 1, "params": {"name": "list_apps", "arguments": {"size": 1}}} if method == "tools/call" else {}
    path.write_text(json.dumps({"jsonrpc": "2.0", "method": method} | more), encoding="utf-8")
    return path


def session_fields(agent, option):
    fields = [("content-type", "application/json"), ("accept", "application/json, text/event-stream"),
              ("mcp-session-id", agent.session), ("mcp-protocol-version", agent.version)]
    return [part for name, value in fields for part in (option, f"{name}: {value}")]


def test_curl_is_answered_over_both(shared, endpoint, agent, tmp_path):
    for option, version in [("--http2", "2"), ("--http1.1", "1.1")]:
        done = subprocess.run(
            ["curl", "--silent", option, "--cacert", shared.ca, "--data-binary", f"@{message_file(tmp_path)}",
             *session_fields(agent, "-H"), "--write-out", "\n%{http_version} %{http_code}", endpoint.url],
            text=True, capture_output=True, timeout=30)
        body, _, line = done.stdout.rpartition("\n")
        assert line == f"{version} 200", done
        assert json.loads(body)["result"]


def test_nghttp_is_answered(endpoint, agent, tmp_path):
    done = subprocess.run(
        ["nghttp", "--verbose", "--data", message_file(tmp_path), *session_fields(agent, "-H"), endpoint.url],
        text=True, capture_output=True, timeout=30)
    assert ":status: 200" in done.stdout and '"result"' in done.stdout, done.stdout + done.stderr
    assert "GOAWAY frame" not in done.stdout.split(":status: 200")[0]


def test_h2load_gets_every_answer(shared, endpoint, agent, tmp_path):
    done = subprocess.run(
        ["h2load", "-n", "600", "-c", "3", "-m", "40", "--data", message_file(tmp_path, "notifications/initialized"),
         *session_fields(agent, "-H"), endpoint.url], text=True, capture_output=True, timeout=120)
    assert "600 succeeded, 0 failed, 0 errored" in done.stdout, done.stdout + done.stderr
    assert re.search(r"status codes: 600 2xx", done.stdout), done.stdout


@pytest.mark.parametrize("protocols", [("h3",), ("spdy/3", "hq")])
def test_a_client_that_speaks_neither_is_refused_by_an_alert(shared, protocols):
    with pytest.raises(OSError) as refused:
        wire2.connected(shared.port, shared.ca, protocols).recv(1)
    assert "no application protocol" in str(refused.value).lower().replace("_", " ")


@pytest.mark.parametrize("protocols", [("http/1.1",), ()])
def test_prior_knowledge_is_no_way_to_http2(shared, protocols):
    context = wire.trusting(shared.ca)
    if not protocols:
        context = __import__("ssl").create_default_context(cafile=str(shared.ca))
    with __import__("socket").create_connection(("127.0.0.1", shared.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            secure.sendall(wire2.PREFACE)
            answer = secure.recv(4096)
    assert answer.startswith(b"HTTP/1.1 ") and answer.split(b" ")[1] in (b"400", b"505")


# Floods.

GET = [(":method", "GET"), (":scheme", "https"), (":path", "/x"), (":authority", "localhost")]
BLOCK = wire2.literal(GET)
BOMB = b"\x40\x01x" + b"\x7f\xf1\x1e" + b"a" * 4080
NUMBERS = range(1, 20_001, 2)


def opened(more=b""):
    return wire2.PREFACE + more


FLOODS = {
    "rapid reset": b"".join(wire2.frame(1, 5, n, BLOCK) + wire2.frame(3, 0, n, b"\0\0\0\x08") for n in NUMBERS),
    "made you reset": b"".join(
        wire2.frame(1, 5, n, BLOCK) + wire2.frame(8, 0, n, b"\x7f\xff\xff\xff") for n in NUMBERS),
    "half-closed data": b"".join(wire2.frame(1, 5, n, BLOCK) + wire2.frame(0, 1, n, b"x") for n in NUMBERS),
    "malformed": b"".join(wire2.frame(1, 5, n, BLOCK + wire2.literal([("X", "y")])) for n in NUMBERS),
    "open requests": b"".join(wire2.frame(1, 4, n, wire2.literal([(":method", "POST")] + GET[1:])) for n in NUMBERS),
    "ping": wire2.frame(6, 0, 0, b"PINGPONG") * 100_000,
    "settings": wire2.frame(4, 0, 0, b"\0\3\0\0\0\x64") * 100_000,
    "settings acknowledged": wire2.frame(4, 1) * 100_000,
    "priority": wire2.frame(2, 0, 1, b"\0\0\0\0\x10") * 100_000,
    "window updates": wire2.frame(8, 0, 0, b"\0\0\0\1") * 100_000,
    "unknown frames": wire2.frame(0xBB) * 100_000,
    "empty data": wire2.frame(1, 4, 1, wire2.literal([(":method", "POST")] + GET[1:])) + wire2.frame(0, 0, 1) * 100_000,
    "padded data": wire2.frame(1, 4, 1, wire2.literal([(":method", "POST")] + GET[1:]))
    + wire2.frame(0, 8, 1, b"\xff" + b"\0" * 255) * 20_000,
    "continuation": wire2.frame(1, 1, 1, BLOCK) + wire2.frame(9, 0, 1, wire2.literal([("x", "y" * 100)])) * 20_000,
    "empty continuation": wire2.frame(1, 1, 1, BLOCK) + wire2.frame(9, 0, 1) * 100_000,
    "compressed bomb": b"".join(
        wire2.frame(1, 5, n, BLOCK + BOMB + b"\xbe" * 12_000) for n in range(1, 201, 2)),
    "large heads": b"".join(
        wire2.frame(1, 5, n, BLOCK + wire2.literal([("x", "y" * 120)]) * 110) for n in range(1, 2001, 2)),
    "no window": wire2.frame(4, 0, 0, b"\0\4\0\0\0\0")
    + b"".join(wire2.frame(1, 5, n, BLOCK) for n in range(1, 201, 2)),
}


def resident(house):
    """Bytes of memory of the proxy."""
    with open(f"/proc/{house.process.pid}/statm", encoding="ascii") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def seconds_of_cpu(house):
    with open(f"/proc/{house.process.pid}/stat", encoding="ascii") as numbers:
        parts = numbers.read().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def flooded(house, data):
    """Sends it all on one connection that nobody reads until it was sent. Gives what came back at the end."""
    connection = wire2.connected(house.port, house.ca, timeout=0.7)
    back = b""
    try:
        for start in range(0, len(data), 16_384):
            connection.sendall(data[start:start + 16_384])
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            back += piece
    except OSError:
        pass
    finally:
        connection.close()
    return back


@pytest.fixture(scope="module")
def besieged(build):
    made = build()
    made.start_sample()
    made.start()
    yield made
    assert made.stop(40) == 0
    made.verify()
    made.close()


@pytest.mark.parametrize("flood", list(FLOODS))
def test_a_flood_costs_little_and_hurts_nobody_else(besieged, flood):
    house = besieged
    agent = wire2.Agent(house.endpoint(name="besieged").url, house.ca).open()
    assert agent.call("list_apps", {"size": 1}).status == 200
    flooded(house, opened(FLOODS[flood]))
    memory, cpu, begun = resident(house), seconds_of_cpu(house), time.monotonic()
    for _ in range(8):
        flooded(house, opened(FLOODS[flood]))
    grown, spent = resident(house) - memory, seconds_of_cpu(house) - cpu
    took = time.monotonic() - begun
    sent = 8 * len(FLOODS[flood])
    print(f"\n{flood}: 8 connections, {sent >> 10} KiB ready to be sent, {spent:.2f} s of CPU in {took:.1f} s, "
          f"{grown >> 10} KiB more memory", end="")
    assert grown < 24 << 20
    answer = agent.call("list_apps", {"size": 1})
    assert answer.status == 200 and answer.result.get("isError") is not True
    agent.close()


def test_a_client_that_does_not_read_holds_what_its_streams_may_hold_and_no_more(besieged):
    house = besieged
    endpoint = house.endpoint(name="slow")
    agent = wire2.Agent(endpoint.url, house.ca).open()
    memory = resident(house)
    held = []
    for _ in range(5):
        connection = wire2.Connection(house.port, house.ca)
        connection.http.update_settings({4: 0})
        connection.flush()
        for number in range(40):
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/list"}).encode()
            connection.begin(agent._fields("POST", agent.fields()), body)
        held.append(connection)
    houses.until(lambda: agent.call("list_apps", {"size": 1}).status == 200, 20)
    time.sleep(2)
    grown = resident(house) - memory
    print(f"\n200 answers of a list held by a window of nothing: {grown >> 10} KiB", end="")
    assert grown < 64 << 20
    for connection in held:
        connection.close()
    assert agent.call("list_apps", {"size": 1}).status == 200
    agent.close()


# The end of a term.

@pytest.fixture(scope="session", autouse=True)
def ending(request, build):
    """A token that ends while its streams are open; the shortest term is a minute, so this begins first."""
    if not any(item.name == "test_the_end_of_a_term_ends_its_streams_alone" for item in request.session.items):
        yield None
        return
    house = build(settings="timeouts: {drain: 2s}")
    # The stream that stays is open for as long as all other tests take.
    text = house.configuration.read_text(encoding="utf-8")
    house.configuration.write_text(text.replace("total: 2m}", "total: 1h}"), encoding="utf-8")
    house.start_sample()
    house.start()
    brief, lasting = house.endpoint(name="brief", ttl="61s"), house.endpoint(name="lasting")
    made = time.time()
    one = wire2.Agent(brief.url, house.ca).open()
    other = wire2.Agent(lasting.url, house.ca)
    other._connection = one.connection()
    other.open()
    # Nobody reads while the other tests run: what comes in the meantime must fit into a stream's window.
    slow = {"steps": 1000, "seconds": 4}
    ends = [one.begin_listening(), one.begin_call("sample_progress", slow, _meta={"progressToken": 1})]
    stays = [other.begin_listening(), other.begin_call("sample_progress", slow, _meta={"progressToken": 1})]
    assert one.connection().until(lambda: all(one.connection().streams[n]["status"] == 200 for n in ends + stays))
    yield house, one, other, ends, stays, made
    house.close()


@pytest.mark.last
def test_the_end_of_a_term_ends_its_streams_alone(ending):
    house, one, other, ends, stays, made = ending
    connection = one.connection()
    assert connection.until(lambda: all(connection.over(n) for n in ends), max(0, made + 61 - time.time()) + 3)
    assert time.time() - made > 59
    assert not any(connection.over(n) for n in stays) and connection.goaway is None
    assert one.ask("tools/list").status in (401, 404)
    assert other.call("list_apps", {"size": 1}).status == 200
    fresh = other.begin_call("sample_progress", {"steps": 3, "seconds": 0.1}, _meta={"progressToken": 2})
    assert connection.until(lambda: connection.over(fresh), 10) and b'"result"' in connection.streams[fresh]["body"]
    assert house.stop() == 0
    assert connection.until(lambda: connection.closed or connection.goaway == 0, 5)
    house.verify()

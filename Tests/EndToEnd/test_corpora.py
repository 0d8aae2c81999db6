"""Collections of cases made by others, over the real socket. Where they are not there, the tests say so and are skipped."""
import base64
import json
import os
import pathlib

import pytest

import house as houses
import wire

SHARED = pathlib.Path(os.environ.get("KOMAINU_SHARED") or houses.ROOT.parent / "shared")


# JSON allows these; a proxy does not: one of two readers loses the rest of the name, or one of the two members.
STRICTER = {"y_object_escaped_null_in_key.json", "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


def corpus(name):
    path = SHARED / "corpora" / name
    if not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf-8"))["cases"]


def octets(case):
    if "raw_base64" in case:
        return base64.b64decode(case["raw_base64"])
    return b"".join(base64.b64decode(part["base64"]) * part["times"] for part in case["parts"])


def needs(cases, name):
    if cases is None:
        pytest.skip(f"no {name} at {SHARED}")
    return cases


def forwarded(house, since):
    return [one["body"] for one in house.received(since)]


def test_json_bodies_that_readers_read_differently_are_refused(shared):
    """interop.json: nothing marked `reject` is answered with a result or forwarded; what is forwarded is what was judged."""
    cases = needs(corpus("json/interop.json"), "corpora/json/interop.json")
    agent = shared.agent()
    wrong = []
    for case in cases:
        before = shared.reached()
        answer = agent.post(octets(case))
        if case["proxy"] == "reject":
            served = answer is not None and answer.status == 200 and "error" not in answer.message \
                and not answer.message.get("result", {}).get("isError")
            if served or shared.reached() != before:
                wrong.append((case["name"], case["why"], answer))
        elif answer is None:
            wrong.append((case["name"], "no answer", None))
    assert not wrong, f"{len(wrong)} of {len(cases)}: {wrong[:10]}"
    assert agent.ask("ping").status == 200


def test_json_documents_as_arguments(shared):
    """JSONTestSuite: every n_ refused, every y_ forwarded with equal value or denied by rule, never a crash."""
    folder = SHARED / "corpora/json/JSONTestSuite/test_parsing"
    if not folder.exists():
        pytest.skip(f"no JSONTestSuite at {folder}")
    agent = shared.agent()
    wrong = []
    for path in sorted(folder.glob("*.json")):
        body = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_apps","arguments":{"q":' \
            + path.read_bytes() + b"}}}"
        if len(body) > 3_000_000 or path.name.startswith("i_"):
            continue
        before = shared.reached()
        answer = agent.post(body)
        new = [one for one in forwarded(shared, before)]
        if path.name.startswith("n_") and (answer is None or answer.status != 400 or new):
            # Some are refused as JSON yet make a right document where they stand in ours.
            try:
                json.loads(body)
                continue
            except ValueError:
                wrong.append((path.name, answer))
        if path.name.startswith("y_") and new:
            sent = json.loads(new[0])["params"]["arguments"]
            if sent != json.loads(body)["params"]["arguments"]:
                wrong.append((path.name, new[0]))
        if path.name.startswith("y_") and path.name not in STRICTER and (answer is None or answer.status != 200):
            wrong.append((path.name, answer))
    assert not wrong, f"{len(wrong)}: {wrong[:10]}"


def answers(connection):
    """Every answer of a connection until it ends or is quiet."""
    found = []
    while True:
        try:
            answer = connection.answer()
        except (TimeoutError, ValueError, IndexError):
            return found
        if answer is None:
            return found
        found.append(answer)


def test_http_requests_that_readers_read_differently_are_refused(shared):
    """requests.json: no `must` case is served that must be refused, and none makes two requests out of one."""
    cases = needs(corpus("http1/requests.json"), "corpora/http1/requests.json")
    agent = shared.agent()
    before = shared.reached()
    failed = {"must": [], "hardening": []}
    for case in cases:
        raw = octets(case).replace(b" /mcp ", f" {agent.path} ".encode()).replace(b"proxy.test", agent.authority.encode())
        connection = wire.Connection(shared.port, shared.ca, timeout=0.4)
        connection.send(raw)
        found = answers(connection)
        connection.close()
        served = [answer for answer in found if 200 <= answer.status < 300]
        # Without a session and with bodies that are no messages, a right request is refused by MCP: 400, 406 or 415.
        count = case.get("parsed", {}).get("requests")
        if case["expect"] == "reject" and served:
            failed[case["strength"]].append((case["name"], [answer.status for answer in found]))
        elif count is not None and case["expect"] != "reject" and len(found) > count + 1:
            failed[case["strength"]].append((case["name"], [answer.status for answer in found]))
    print(f"{len(cases)} cases: must failed {len(failed['must'])}, hardening failed {len(failed['hardening'])}")
    assert not failed["must"], failed["must"][:10]
    assert not failed["hardening"], failed["hardening"][:10]
    assert shared.reached() == before
    assert agent.ask("ping").status == 200

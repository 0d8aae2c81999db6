"""Requests that are refused: what the client hears, that nothing reached the upstream, and that the trail knows.

The cases are data, cases/refused/*.json. A case changes one thing about a right call: its `body` (or `body_base64`), its
`fields` (null leaves one out, a list repeats it), its `method` or `path`; or it is `raw`, line by line. @PATH@, @TOKEN@,
@HOST@, @PORT@ and @SESSION@ stand for what a right request would have; @TIMES a 300@ for 300 times `a`.
"""
import base64
import json
import re

import pytest

import house as houses
import wire

CALL = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_apps","arguments":{"size":1}}}'
FILES = sorted((houses.HERE / "cases/refused").glob("*.json"))
FILE_CASES = {file.stem: json.loads(file.read_text(encoding="utf-8"))["cases"] for file in FILES}
CASES = [pytest.param(case, id=f"{stem}: {case['name']}") for stem, cases in FILE_CASES.items() for case in cases]
# Cases whose sender has shown who it is before anything is wrong.
KNOWN = FILE_CASES["envelope"] + FILE_CASES["json"] + FILE_CASES["tools"] + FILE_CASES["stateless"]


@pytest.fixture(scope="module")
def told():
    """The names of the cases that were refused."""
    return []


@pytest.fixture(scope="module")
def agent(shared):
    return shared.agent()


def filled(agent, text):
    token = agent.path.rsplit("/", 1)[1]
    for name, value in [("@PATH@", agent.path), ("@TOKEN@", token), ("@HOST@", agent.authority),
                        ("@PORT@", str(agent.port)), ("@SESSION@", agent.session)]:
        text = text.replace(name, value)
    return re.sub(r"@TIMES (.) (\d+)@", lambda found: found[1] * int(found[2]), text)


def written(agent, case):
    """The bytes of a case."""
    if "raw" in case:
        # One byte per character: the cases hold bytes that are not UTF-8.
        return filled(agent, "\r\n".join(case["raw"])).encode("latin-1")
    body = base64.b64decode(case["body_base64"]) if "body_base64" in case else filled(agent, case.get("body", CALL)).encode()
    fields = dict(agent.fields()) | case.get("fields", {})
    lines = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                lines.append((name, filled(agent, one)))
    if not body and case.get("method", "POST") == "POST":
        lines.append(("Content-Length", "0"))
    return wire.request(case.get("method", "POST"), filled(agent, case.get("path", "@PATH@")), lines, body)


def test_the_call_that_the_cases_change_is_right(shared, agent):
    before = shared.reached("list_apps")
    answer = agent.raw(written(agent, {"name": "right"}))
    assert answer.status == 200 and answer.result.get("isError") is not True, answer
    assert shared.reached("list_apps") == before + 1


@pytest.mark.parametrize("case", CASES)
def test_a_request_is_refused_and_recorded_and_goes_nowhere(shared, agent, told, case):
    expected = case["expect"]
    statuses = expected["status"] if isinstance(expected["status"], list) else [expected["status"]]
    before, seen = shared.reached(), shared.next_seq()
    answer = agent.raw(written(agent, case), to_head=case.get("method") == "HEAD")
    if answer is None:
        assert None in statuses, "the connection ended without an answer"
    else:
        assert answer.status in statuses, answer
        refused(case, answer, expected)
    assert shared.reached() == before, f"it reached the upstream: {shared.received(before)}"
    told.append(case["name"])
    if case in KNOWN:
        # Whoever is known has a record for each refusal, before the answer.
        assert refusals(shared.records(since=seen)) >= 1
    # The conversation and the program are well.
    assert agent.ask("ping").status == 200


def test_every_refusal_is_in_the_trail(shared, told):
    # Those of strangers are counted together, by reason, for ten seconds.
    houses.until(lambda: refusals(shared.records()) >= len(told), 15, f"the count of all {len(told)} refusals")


def refused(case, answer, expected):
    """What an answer must say and must not."""
    text = answer.body.decode("utf-8")
    for word in ("swift", "openssl", "/root", "komainu.yaml", "offset"):
        assert word not in text.lower(), answer
    if answer.status in (200, 202):
        message = answer.message if answer.body else None
        assert message is None or "error" in message or message["result"]["isError"], answer
    if "code" in expected:
        assert answer.message["error"]["code"] == expected["code"], answer
    if "tool" in case and case["tool"] and "@TIMES" not in case["tool"] and case["tool"].isprintable():
        assert answer.error["message"] == f"Unknown tool: {case['tool']}", answer
    if answer.body and (answer.field("content-type") or "").startswith("application/json"):
        # Clients hang on an id that is null or not theirs; an id that could not be read is left out.
        assert answer.message.get("id", 7) == 7 or "id" in case["name"], answer


def refusals(records):
    """How many refusals these records tell of."""
    kinds = ("call.denied", "auth.failed", "request.refused")
    return sum(record.get("info", {}).get("count", 1) for record in records if record["kind"] in kinds)

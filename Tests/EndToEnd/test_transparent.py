"""Under a policy that lets everything pass, a client sees through the program what it sees without it: same script, both ways."""
import types

import pytest

STEPS = [
    {"do": "ping"}, {"do": "list"},
    {"do": "call", "tool": "add", "arguments": {"a": 2, "b": 40}},
    {"do": "call", "tool": "add", "arguments": {"a": 12345678901234567890}},
    {"do": "call", "tool": "add", "arguments": {"a": "two"}},
    {"do": "call", "tool": "echo", "arguments": {"text": "Grüße, \u4e16\u754c \U0001f98a \\ \" \u0000 1.0 </b>"}},
    {"do": "call", "tool": "fail", "arguments": {"reason": "no reason"}},
    {"do": "call", "tool": "contents"},
    {"do": "call", "tool": "steps", "arguments": {"count": 5, "pause": 0.02}, "progress": True},
    {"do": "resources"}, {"do": "templates"}, {"do": "read", "uri": "trial://notes/one"},
    {"do": "read", "uri": "trial://notes/by/ada"}, {"do": "read", "uri": "trial://notes/nobody"},
    {"do": "prompts"}, {"do": "prompt", "name": "greet", "arguments": {"name": "Ada"}},
    {"do": "prompt", "name": "greet"},
    {"do": "complete", "ref": "greet", "argument": {"name": "name", "value": "a"}},
]


# Over an answer in JSON, or without a session, a server of the older revisions cannot ask anything.
ASKING = {"do": "call", "tool": "ask"}


@pytest.fixture(scope="module", params=[(1, ()), (1, ("json",)), (1, ("stateless",)), (2, ()), (2, ("json", "stateless"))],
                ids=lambda param: "-".join([f"server{param[0]}", *param[1]]))
def glass(request, build):
    """A house with a server of everything behind it and a policy that lets everything pass."""
    made = build(policy="transparent.yaml", catalog="[everything.yaml]")
    try:
        made.sdk = request.param[0]
        made.steps = STEPS + ([] if request.param[1] else [ASKING])
        made.start_everything(request.param[0], *request.param[1])
        yield made.start()
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


def transcript(lines):
    """What was heard, without what differs from one run to the next."""
    assert "opened" in lines[0], lines
    lines[0]["opened"].pop("session", None)
    # No policy opens what has no definition.
    lines[0]["opened"]["capabilities"].pop("experimental", None)
    for line in lines:
        # Of a method that the revision has not, ours tells the decision, theirs the method once more.
        if line.get("code") == -32601:
            line.pop("data")
    # Changes of tools are told by us, also where the server tells none.
    lines[0]["opened"]["capabilities"].get("tools", {}).pop("listChanged", None)
    return lines


def test_the_same_script_has_the_same_transcript(glass, client, sdk):
    if glass.sdk == 1 and sdk == "sdk2-pinned":
        pytest.skip("the server speaks no revision that this client would")
    direct = types.SimpleNamespace(url=glass.upstream)
    without = transcript(client(sdk, glass, direct, glass.steps, name="Ada").rest())
    through = transcript(client(sdk, glass, glass.endpoint(), glass.steps, name="Ada").rest())
    differences = [pair for pair in zip(through, without) if pair[0] != pair[1]]
    assert not differences
    assert len(through) == len(without)

"""A server without sessions (revisions with a handshake): the conversation is kept on our side alone."""
import json

import conftest
import expectations
import pytest
import wire


@pytest.fixture(scope="module")
def shared(build):
    made = build(sample_options=["--stateless"])
    try:
        yield conftest.opened(made)
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


def test_clients_list_and_call_through_it(shared, client, sdk):
    steps = [{"do": "list"}, {"do": "call", "tool": "list_users", "arguments": {"size": 3}}]
    lines = client(sdk, shared, shared.endpoint(), steps).rest()
    assert "opened" in lines[0] and lines[-1] == {"ended": None}, lines
    assert lines[1]["tools"] and lines[2]["result"]["content"]
    assert not expectations.leaks(str(lines[2]))


def test_a_conversation_still_belongs_to_who_opened_it(shared):
    mine, theirs = shared.agent(), shared.agent()
    assert mine.session and mine.session != theirs.session
    mine.session = theirs.session
    before = shared.reached()
    assert mine.ask("tools/list").status == 404
    assert shared.reached() == before
    # The server never gave an id, so none may reach it.
    assert theirs.call("list_apps", {"size": 1}).status == 200
    received = shared.received()
    assert received and not any("mcp-session-id" in json.dumps(request).lower() for request in received)


def test_ending_it_does_not_ask_the_server_to(shared):
    agent = shared.agent()
    before = shared.reached()
    assert agent.delete().status in (200, 204)
    assert shared.reached() - before <= 1
    assert agent.ask("tools/list").status == 404

"""Definitions that change after they were looked at."""
import re

import pytest

import house as houses
import wire


def change(house, tool, what):
    # Behind the program's back: the vendor changes its own definitions.
    vendor = wire.Agent(house.upstream, house.ca, token="sample-upstream-key-5e0c").open()
    try:
        assert vendor.call("sample_change_definition", {"tool": tool, "change": what}).status == 200
    finally:
        vendor.delete()
        vendor.close()


@pytest.mark.parametrize("what", ["description", "schema", "claims"])
def test_a_changed_definition_is_hidden_and_denied_until_it_is_approved(house, what):
    agent = house.agent()
    assert "list_apps" in agent.tools()
    assert agent.call("list_apps", {"size": 1}).result.get("isError") is not True
    change(house, "list_apps", what)
    assert "list_apps" not in agent.tools()
    before = house.reached("list_apps")
    assert agent.call("list_apps", {"size": 1}).error == {"code": -32602, "message": "Unknown tool: list_apps"}
    assert house.reached("list_apps") == before
    assert "list_users" in agent.tools()
    house.await_record("catalog.changed")
    told = house.run("tools", "diff", code=1)
    assert "list_apps" in told
    # Only what was looked at can be approved: the hash says what that was.
    looked = re.search(r"--hash (\w+)", house.run("tools", "approve", "torii", "list_apps", code=1))[1]
    house.run("tools", "approve", "torii", "list_apps", "--hash", "0" * 12, code=3)
    assert "list_apps" not in agent.tools()
    house.run("tools", "approve", "torii", "list_apps", "--hash", looked)
    houses.until(lambda: "list_apps" in agent.tools(), 3)
    assert agent.call("list_apps", {"size": 1}).result.get("isError") is not True


def test_a_definition_that_changed_back_needs_no_approval(house):
    agent = house.agent()
    agent.tools()
    change(house, "list_apps", "description")
    assert "list_apps" not in agent.tools()
    change(house, "list_apps", "restore")
    assert "list_apps" in agent.tools()


def test_a_quarantine_survives_a_restart(house):
    agent = house.agent()
    agent.tools()
    change(house, "list_apps", "schema")
    assert "list_apps" not in agent.tools()
    assert house.stop() == 0
    house.start()
    assert "list_apps" not in house.agent().tools()

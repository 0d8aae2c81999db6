"""2026-07-28 over TLS: what the sample server and a client close to the bytes say to each other through the program."""
import json
import signal

import conftest
import expectations
import house as houses
import pytest
import stateless

KNOWS = {"elicitation": {"form": {}}, "extensions": {stateless.TASKS: {}}}


@pytest.fixture(scope="module")
def wide(build):
    """A house whose policy opens what the revision has besides tools."""
    made = build(policy="modern.yaml")
    try:
        yield conftest.opened(made)
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


@pytest.fixture(scope="module")
def agent(wide):
    made = stateless.Agent(wide.endpoint().url, wide.ca, capabilities=KNOWS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def schema():
    return stateless.Schema(stateless.VERSION)


ANSWERED = [
    ("server/discover", {}, "DiscoverResultResponse"), ("tools/list", {}, "ListToolsResultResponse"),
    ("tools/call", {"name": "list_users", "arguments": {"size": 3}}, "CallToolResultResponse"),
    ("tools/call", {"name": "search_apps", "arguments": {"q": "fox"}}, "CallToolResultResponse"),
    ("tools/call", {"name": "sample_content"}, "CallToolResultResponse"),
    ("tools/call", {"name": "sample_ask"}, "CallToolResultResponse"),
    ("resources/list", {}, "ListResourcesResultResponse"),
    ("resources/templates/list", {}, "ListResourceTemplatesResultResponse"),
    ("resources/read", {"uri": "torii://users/41207"}, "ReadResourceResultResponse"),
    ("prompts/list", {}, "ListPromptsResultResponse"), ("prompts/get", {"name": "offboard"}, "GetPromptResultResponse"),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "offboard"}, "argument": {"name": "who", "value": ""}},
     "CompleteResultResponse"),
]


@pytest.mark.parametrize("method, params, name", ANSWERED, ids=lambda value: str(value)[:40])
def test_says_what_the_schema_has_and_leaks_nobody(agent, schema, method, params, name):
    answer = agent.ask(method, params)
    assert answer.status == 200, answer
    schema.check(answer.message, name)
    assert answer.message["id"] == agent.last_id
    assert not expectations.leaks(answer.body.decode())
    assert answer.field("mcp-session-id") is None
    if "cacheScope" in answer.result:
        assert answer.result["cacheScope"] == "private" and answer.result["ttlMs"] <= 300_000


REFUSED = [
    ("unknown", {"name": "no_such_tool"}, {}, 200, -32602, "JSONRPCErrorResponse"),
    ("hidden", {"name": "delete_a_torii_contract_by_id"}, {}, 200, -32602, "JSONRPCErrorResponse"),
    ("a name that differs", {"name": "list_apps"}, {"Mcp_Name": "list_users"}, 400, -32020, "HeaderMismatchError"),
    ("no method", {"name": "list_apps"}, {"Mcp_Method": None}, 400, -32020, "HeaderMismatchError"),
    ("a revision that differs", {"name": "list_apps"}, {"MCP_Protocol_Version": "2025-11-25"}, 400, -32020,
     "HeaderMismatchError"),
    ("a junk state", {"name": "list_apps", "requestState": "junk"}, {}, 400, -32602, "JSONRPCErrorResponse"),
]


@pytest.mark.parametrize("what, params, fields, status, code, name", REFUSED, ids=lambda value: str(value)[:30])
def test_refuses_as_the_schema_has_it(wide, agent, schema, what, params, fields, status, code, name):
    before = wide.reached()
    answer = agent.ask("tools/call", params, **fields)
    assert answer.status == status and answer.error["code"] == code, answer
    schema.check(answer.message, name)
    assert answer.message["id"] == agent.last_id
    assert wide.reached() == before


def test_a_denied_call_is_a_result_that_the_schema_has(shared, schema):
    agent = stateless.Agent(shared.endpoint().url, shared.ca)
    answer = agent.call("list_users", {"size": 100_000})
    assert answer.status == 200 and answer.result["isError"], answer
    schema.check(answer.message, "CallToolResultResponse")
    agent.close()


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list", "x/y"])
def test_has_no_other_methods(agent, schema, method):
    answer = agent.ask(method)
    assert answer.status == 404 and answer.error["code"] == -32601, answer
    schema.check(answer.message, "JSONRPCErrorResponse")


def test_tells_which_revisions_it_carries(agent, schema):
    answer = agent.ask("server/discover", meta={stateless.META + "protocolVersion": "2027-01-01"},
                       MCP_Protocol_Version="2027-01-01")
    assert answer.status == 400 and answer.error["code"] == -32022, answer
    schema.check(answer.message, "UnsupportedProtocolVersionError")
    assert stateless.VERSION in answer.error["data"]["supported"]


def test_needs_a_capability_for_tasks(wide, schema):
    ignorant = stateless.Agent(wide.endpoint().url, wide.ca)
    answer = ignorant.ask("tasks/get", {"taskId": "t"})
    assert answer.status == 400 and answer.error["code"] == -32021, answer
    schema.check(answer.message, "MissingRequiredClientCapabilityError")
    ignorant.close()


def test_neither_gets_nor_deletes(agent):
    for method in ("GET", "DELETE"):
        answer = agent.raw(stateless.wire.request(
            method, agent.path, agent.fields(MCP_Protocol_Version=stateless.VERSION, Accept="text/event-stream",
                                             Content_Type=None)))
        assert answer.status == 405 and answer.field("allow") == "POST", answer


def test_streams_an_answer_without_ids(agent, schema):
    stream = agent.stream("tools/call", {"name": "sample_progress", "arguments": {"steps": 3}},
                          meta={"progressToken": "p", stateless.META + "logLevel": "info"})
    stream.end()
    events = stateless.wire.events(stream.body)
    assert all(event["id"] is None and event["retry"] is None and event["event"] == "message" for event in events)
    messages = [json.loads(event["data"]) for event in events]
    for message in messages[:-1]:
        schema.check(message, "ServerNotification")
    schema.check(messages[-1], "CallToolResultResponse")
    methods = [message["method"] for message in messages[:-1]]
    assert methods.count("notifications/progress") == 3 and methods.count("notifications/message") == 3
    assert not expectations.leaks(stream.body.decode())
    assert stream.whole
    stream.close()


def test_hanging_up_stops_the_work_and_leaves_its_outcome_unknown(house):
    agent = stateless.Agent(house.endpoint().url, house.ca)
    assert agent.call("list_apps").status == 200
    for arguments, tool in [({"seconds": 30}, "sample_slow"), ({"steps": 1000, "seconds": 0.05}, "sample_progress")]:
        before = house.control()["cancelled"]
        connection = agent.begun("tools/call", {"name": tool, "arguments": arguments})
        houses.until(lambda: house.reached(tool) == 1, what="the call")
        connection.close()
        houses.until(lambda: house.control()["cancelled"] == before + 1, 5, "the end of the work")
    outcomes = houses.until(lambda: [one["out"] for one in house.trail() if one["kind"] == "call.outcome"
                                     and one["out"]["st"] == "unknown"][1:] and True, 5, "the records")
    assert outcomes
    agent.close()


def test_goes_on_from_a_question_with_a_sealed_state(wide, agent, schema):
    asked = agent.call("sample_ask", {"greeting": "Hi"})
    schema.check(asked.result, "InputRequiredResult")
    state = asked.result["requestState"]
    assert "maren" not in state and set(asked.result["inputRequests"]) == {"who"}
    more = {"requestState": state, "inputResponses": {"who": {"action": "accept", "content": {"name": "Ada"}}}}
    assert agent.call("sample_ask", {"greeting": "Hi"}, **more).text == "Hi, Ada!"
    before = wide.reached("sample_ask")
    other = stateless.Agent(wide.endpoint().url, wide.ca, capabilities=KNOWS)
    for refused in [agent.call("sample_ask", {"greeting": "Ho"}, **more), other.call("sample_ask", {"greeting": "Hi"}, **more),
                    agent.call("sample_ask", {"greeting": "Hi"}, **more | {"requestState": state[:-1] + "x"})]:
        assert refused.status == 400 and refused.error["code"] == -32602, refused
        schema.check(refused.message, "JSONRPCErrorResponse")
    assert wide.reached("sample_ask") == before
    other.close()


def test_a_task_is_its_callers_and_redacted(wide, agent):
    begun = agent.call("sample_task", {"seconds": 0.2})
    assert begun.result["resultType"] == "task", begun
    task = begun.result["taskId"]
    stream = agent.stream("subscriptions/listen", {"notifications": {"taskIds": [task, "task-of-somebody"]}})
    heard = stream.until(lambda events: len(events) == 2)
    told = [json.loads(event["data"]) for event in heard]
    assert told[0]["params"]["notifications"] == {"taskIds": [task]}
    assert told[1]["method"] == "notifications/tasks" and told[1]["params"]["status"] == "completed"
    assert not expectations.leaks(stream.body.decode())
    stream.close()
    got = agent.ask("tasks/get", {"taskId": task})
    assert got.result["status"] == "completed" and not expectations.leaks(got.body.decode())
    assert json.loads(got.result["result"]["content"][0]["text"])["users"][0]["id"] == 41207
    other = stateless.Agent(wide.endpoint().url, wide.ca, capabilities=KNOWS)
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        foreign = other.ask(method, {"taskId": task})
        assert foreign.status == 400 and foreign.error["code"] == -32602, foreign
    assert agent.ask("tasks/cancel", {"taskId": task}).status == 200
    other.close()


def test_hears_what_it_asked_for_and_that_alone(wide, agent, schema):
    stream = agent.stream("subscriptions/listen", {"notifications": {
        "toolsListChanged": True, "resourceSubscriptions": ["torii://users/41207", "torii://secrets/1"]}})
    [acknowledged] = stream.until(lambda events: events)
    message = json.loads(acknowledged["data"])
    schema.check(message, "SubscriptionsAcknowledgedNotification")
    assert message["params"]["notifications"]["resourceSubscriptions"] == ["torii://users/41207"]
    for uri in ("torii://secrets/1", "torii://users/41207"):
        wide.control("POST", {"announce": {"jsonrpc": "2.0", "method": "notifications/resources/updated",
                                           "params": {"uri": uri}}})
    wide.control("POST", {"announce": {"jsonrpc": "2.0", "method": "notifications/prompts/list_changed"}})
    assert agent.call("sample_change_definition", {"tool": "sample_blob", "change": "claims"}).status == 200
    events = stream.until(lambda events: len(events) == 3)
    messages = [json.loads(event["data"]) for event in events[1:]]
    assert [one["method"] for one in messages] == ["notifications/resources/updated", "notifications/tools/list_changed"]
    for one in messages:
        schema.check(one, "ServerNotification")
        assert one["params"]["_meta"][stateless.META + "subscriptionId"] == agent.last_id - 1
    stream.close()


def test_a_subscription_ends_properly_with_its_token_and_with_the_program(house, schema):
    def listened(ttl=None):
        agent = stateless.Agent(house.endpoint(ttl=ttl).url, house.ca)
        stream = agent.stream("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
        stream.until(lambda events: events)
        return stream
    revoked = house.endpoint()
    cut = stateless.Agent(revoked.url, house.ca).stream("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    cut.until(lambda events: events)
    kept = listened()
    house.run("endpoint", "delete", revoked.id)
    cut.end()
    assert kept.is_open()
    house.signal(signal.SIGTERM)
    kept.end()
    assert house.process.wait(20) == 0
    for stream in (cut, kept):
        last = json.loads(stateless.wire.events(stream.body)[-1]["data"])
        schema.check(last, "JSONRPCResultResponse")
        schema.check(last["result"], "SubscriptionsListenResult")
        assert stream.whole
        stream.close()


def test_mirrors_arguments_that_a_definition_names(wide, agent, client):
    right = agent.call("sample_region", {"region": "Zürich", "limit": 7},
                       fields={"Mcp_Param_Region": stateless.mirrored("Zürich"), "Mcp_Param_Limit": "7.0"})
    assert right.status == 200 and json.loads(right.text)["asked"]["region"] == "Zürich", right
    sent = wide.received()[-1]["fields"]
    assert sent["mcp-param-region"] == stateless.mirrored("Zürich") and sent["mcp-param-limit"] == "7"
    for fields in [{}, {"Mcp_Param_Region": "Bern"}, {"Mcp_Param_Region": stateless.mirrored("Zürich"), "Mcp_Param_Limit": "7"}]:
        wrong = agent.call("sample_region", {"region": "Zürich"}, fields=fields)
        assert wrong.status == 400 and wrong.error["code"] == -32020, wrong
    # The SDK's client reads the definition through us, and writes the fields by it.
    steps = [{"do": "list"}, {"do": "call", "tool": "sample_region", "arguments": {"region": "Zürich", "limit": 3}}]
    lines = client("sdk2-pinned", wide, wide.endpoint(), steps).rest()
    assert json.loads(lines[2]["result"]["content"][0]["text"])["asked"] == {"region": "Zürich", "limit": 3}, lines


@pytest.mark.parametrize("kind", ["sdk2", "sdk2-pinned"])
def test_the_sdk_answers_a_question_through_it(wide, client, kind):
    steps = [{"do": "call", "tool": "sample_ask", "arguments": {"greeting": "Hi"}}]
    lines = client(kind, wide, wide.endpoint(), steps, name="Ada").rest()
    asked = [line["asked"] for line in lines if "asked" in line]
    assert asked and not expectations.leaks(asked[0])
    assert any(line.get("result", {}).get("content", [{}])[0].get("text") == "Hi, Ada!" for line in lines), lines


def test_the_sdk_hears_of_changes_and_of_the_end(house, client):
    # Prompts are closed here: nothing is promised that will not come.
    endpoint, operators = house.endpoint(), house.endpoint(name="operations", dual=True)
    token = house.token([operators], groups=["operators"])["token"]
    sdk = client("sdk2", house, endpoint, [{"do": "list"}, {"do": "listen", "events": 1}, {"do": "listen", "events": 9}])
    assert sdk.hear()["opened"]["version"] == stateless.VERSION and sdk.hear()["tools"]
    assert sdk.hear()["listening"] == {"toolsListChanged": True}
    operator = stateless.Agent(operators.url, house.ca, token)
    changed = operator.call("sample_change_definition", {"tool": "sample_blob", "change": "claims"})
    assert changed.status == 200 and not changed.result.get("isError"), changed
    assert sdk.hear() == {"heard": ["ToolsListChanged"]}
    assert sdk.hear()["listening"] == {"toolsListChanged": True}
    house.run("endpoint", "delete", endpoint.id)
    # The end is a graceful one: the SDK's loop is over, and nothing was lost.
    assert "heard" in sdk.hear()
    operator.close()

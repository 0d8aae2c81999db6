"""Personal data by every door a result can leave by: none of it may."""
import json

import pytest

import expectations


@pytest.mark.parametrize("way", ["prose", "plain", "json", "remote", "rpc"])
def test_errors_that_echo_people_are_redacted(shared, way):
    answer = shared.agent().call("sample_fail", {"way": way})
    assert answer.status == 200
    # A name in prose is not to be known by its form; what stood in a field is.
    assert not expectations.leaks(answer.body.decode(), names=way == "rpc"), answer


@pytest.mark.parametrize("tool, arguments", [
    ("list_workflow_audit", {"size": 2}), ("list_audit_logs", {"size": 5}), ("list_transactions", {"size": 3}),
    ("list_all_torii_workflow_action_executions", {"limit": 2}), ("list_all_torii_app_users", {"id_app": 55421, "limit": 2}),
    ("list_apps", {"size": 3}), ("list_users", {"aggs": '{"field":"email","options":{"size":3}}', "size": 1}),
])
def test_records_in_every_shape_are_redacted(shared, tool, arguments):
    answer = shared.agent().call(tool, arguments)
    assert answer.status == 200 and answer.result.get("isError") is not True, answer
    text = json.dumps(answer.message)
    addresses = expectations.ADDRESS.findall(text)
    assert not addresses, addresses
    assert not expectations.PHONE.findall(text)
    assert "ex-4f9a-not-real" not in text
    assert "maren" not in text.lower() or tool == "list_all_torii_app_users", text[:2000]


def test_embedded_resources_and_links_are_redacted(shared):
    answer = shared.agent().call("sample_content")
    assert not expectations.leaks(answer.body.decode(), names=False), answer


def test_streamed_messages_are_redacted(shared):
    agent = shared.agent()
    answer = agent.call("sample_progress", {"steps": 3}, _meta={"progressToken": "t"})
    assert [message["params"]["progress"] for message in answer.messages[:-1]] == [1, 2, 3]
    assert not expectations.leaks(answer.body.decode())


def test_unasked_messages_are_kept_from_the_client(shared):
    agent = shared.agent()
    stream = agent.listen()
    assert stream.status == 200
    seen = shared.next_seq()
    shared.control("POST", {"announce": {
        "jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {
            "messages": [{"role": "user", "content": {"type": "text", "text": "mail maren.okonjo@northquay.example"}}],
            "maxTokens": 5}}})
    shared.control("POST", {"announce": {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}})
    found = stream.until(lambda events: any("list_changed" in event["data"] for event in events))
    assert not any("sampling" in event["data"] or "maren" in event["data"] for event in found), found
    assert shared.trail()[-1]["seq"] >= seen
    stream.close()


def test_numbers_that_are_not_redacted_keep_their_text(shared):
    body = '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"{\\"big\\":12345678901234567890.10,' \
           '\\"small\\":1e-400,\\"one\\":1.0}"}],"_meta":{"n":9007199254740993}}}'
    shared.fault("raw", body=body)
    answer = shared.agent().call("list_apps")
    assert b'12345678901234567890.10' in answer.body and b"1e-400" in answer.body and b"9007199254740993" in answer.body


def test_what_was_redacted_is_in_the_trail_and_in_meta_without_its_value(shared):
    seen = shared.next_seq()
    answer = shared.agent().call("get_user", {"idUser": 41207})
    outcome = shared.await_record("call.outcome", since=seen, mcp_tool="get_user")
    assert outcome["red"] and all(entry["k"] >= 1 for entry in outcome["red"])
    assert "_meta" in answer.result
    assert not expectations.leaks(json.dumps(outcome)) and not expectations.leaks(json.dumps(answer.result["_meta"]))


def test_other_doors_to_the_same_data_are_closed(shared):
    agent = shared.agent()
    before = shared.reached()
    for method, params in [
        ("resources/list", {}), ("resources/read", {"uri": "torii://users/41207"}), ("resources/templates/list", {}),
        ("prompts/list", {}), ("prompts/get", {"name": "offboard"}), ("logging/setLevel", {"level": "debug"}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "offboard"},
                                 "argument": {"name": "who", "value": "m"}}),
        ("sampling/createMessage", {}), ("tasks/list", {}), ("tasks/result", {"taskId": "1"}), ("vendor/anything", {}),
        ("resources/subscribe", {"uri": "torii://users/41207"}),
    ]:
        seen = shared.next_seq()
        answer = agent.ask(method, params)
        assert answer.status == 200 and answer.error["code"] == -32601, (method, answer)
        shared.await_record("call.denied", since=seen, mcp_m=method)
    assert shared.reached() == before


def test_a_pseudonym_that_comes_back_is_refused(shared):
    operator = shared.operator()
    shown = json.loads(operator.call("list_users", {"size": 1}).text)["users"][0]
    assert expectations.PSEUDONYM.fullmatch(shown["email"])
    before = shared.reached("update_user")
    for arguments in ({"idUser": 41207, "email": shown["email"]}, {"idUser": 41207, "lifecycleStatus": "active",
                                                                  "email": f"Maren <{shown['email']}>"}):
        answer = operator.call("update_user", arguments)
        assert answer.status == 200 and answer.result["isError"], answer
        assert shown["email"] not in answer.text
    assert shared.reached("update_user") == before


def test_an_operator_writes_and_sees_no_more_than_others(house):
    operator = house.operator()
    answer = operator.call("update_user", {"idUser": 41988, "lifecycleStatus": "offboarded"})
    record = json.loads(answer.text)["user"]
    assert record["lifecycleStatus"] == "offboarded" and not expectations.leaks(answer.body.decode())
    assert house.reached("update_user") == 1
    denied = operator.call("delete_a_torii_contract_by_id", {"id": "9107"})
    assert "error" in denied.message or denied.result["isError"]
    assert house.reached("delete_a_torii_contract_by_id") == 0


def test_a_pseudonym_is_put_back_where_the_rule_says_so(build):
    house = build()
    policy = house.folder / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("    who: {groups: [operators]}\n", "    who: {groups: [operators]}\n    restore_pseudonyms: true\n"), encoding="utf-8")
    try:
        house.start_sample()
        agent = house.start().operator()
        shown = json.loads(agent.call("get_user", {"idUser": 41207}).text)
        pseudonym = next(found for found in expectations.PSEUDONYM.findall(json.dumps(shown)))
        changed = agent.call("update_user", {"idUser": 41988, "email": pseudonym})
        assert changed.status == 200 and changed.result.get("isError") is not True, changed
        [arrived] = [r["body"] for r in house.received() if '"update_user"' in r["body"]]
        assert pseudonym not in arrived and "@northquay.example" in arrived
        assert not expectations.leaks(changed.body.decode(), names=False)
        # What was put back is nowhere in the trail.
        assert "@northquay.example" not in json.dumps([record for record in house.records(tool="update_user")])
        assert house.stop() == 0
        house.verify()
    finally:
        house.close()

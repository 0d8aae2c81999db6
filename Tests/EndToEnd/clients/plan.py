"""What both client scripts share: a plan comes in as one line of JSON, one line of JSON goes out per step.

A step: {"do": "list"} | {"do": "call", "tool", "arguments", "progress"} | {"do": "ping"} | {"do": "resources"} |
{"do": "task", "tool", "arguments"} (of SDK 1.x) |
{"do": "templates"} | {"do": "read", "uri"} | {"do": "prompts"} | {"do": "prompt", "name", "arguments"} |
{"do": "complete", "ref", "argument"} | {"do": "listen", "events"} (2026-07-28: until so many came, or the stream ends) | {"do": "pause"} (says so, waits for a line) | {"do": "sleep", "seconds"}.

A plan may say `name`: what to answer when the server asks the user; without it the client cannot be asked.
"""
import asyncio
import json
import sys

from mcp import types


def say(value):
    print(json.dumps(value, ensure_ascii=False), flush=True)


def told(exception):
    """The failure as JSON: the innermost one where tasks wrapped it."""
    while isinstance(exception, BaseExceptionGroup) and exception.exceptions:
        exception = exception.exceptions[0]
    error = getattr(exception, "error", None)
    return {
        "failure": type(exception).__name__, "text": str(exception),
        "code": getattr(error, "code", None), "message": getattr(error, "message", None),
        "data": getattr(error, "data", None),
    }


def dumped(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def answering(plan):
    """The client's side of a server's question to the user."""
    async def answer(context, params):
        say({"asked": params.message})
        return types.ElicitResult(action="accept", content={"name": plan["name"]})
    return {"elicitation_callback": answer} if plan.get("name") else {}


async def all_tools(session):
    """Every page of tools/list."""
    tools, cursor, pages = [], None, 0
    while True:
        page = await session.list_tools(cursor=cursor)
        pages += 1
        tools += [dumped(tool) for tool in page.tools]
        cursor = getattr(page, "nextCursor", None) or getattr(page, "next_cursor", None)
        if cursor is None:
            return {"tools": tools, "pages": pages}


async def carry_out(step, session):
    kind = step["do"]
    if kind == "list":
        return await all_tools(session)
    if kind == "call":
        progress = []

        async def note(done, total, message):
            progress.append({"progress": done, "total": total, "message": message})

        more = {"progress_callback": note} if step.get("progress") else {}
        result = await session.call_tool(step["tool"], step.get("arguments") or {}, **more)
        return {"result": dumped(result), "progress": progress}
    if kind == "task":
        tasks = session.experimental
        made = await tasks.call_tool_as_task(step["tool"], step.get("arguments") or {})
        states = [dumped(state) async for state in tasks.poll_task(made.task.taskId)]
        result = await tasks.get_task_result(made.task.taskId, types.CallToolResult)
        return {"task": made.task.taskId, "made": dumped(made), "states": states, "result": dumped(result),
                "listed": [task.taskId for task in (await tasks.list_tasks()).tasks]}
    if kind == "ping":
        await session.send_ping()
        return {}
    if kind == "resources":
        return {"result": dumped(await session.list_resources())}
    if kind == "templates":
        return {"result": dumped(await session.list_resource_templates())}
    if kind == "read":
        return {"result": dumped(await session.read_resource(step["uri"]))}
    if kind == "prompts":
        return {"result": dumped(await session.list_prompts())}
    if kind == "prompt":
        return {"result": dumped(await session.get_prompt(step["name"], step.get("arguments")))}
    if kind == "complete":
        reference = types.PromptReference(type="ref/prompt", name=step["ref"])
        return {"result": dumped(await session.complete(reference, step["argument"]))}
    if kind == "listen":
        heard = []
        async with session.listen(tools_list_changed=True, prompts_list_changed=True) as subscription:
            say({"listening": dumped(subscription.honored)})
            async for event in subscription:
                heard.append(type(event).__name__)
                if len(heard) == step["events"]:
                    break
        return {"heard": heard}
    if kind == "sleep":
        await asyncio.sleep(step["seconds"])
        return {}
    if kind == "pause":
        say({"paused": True})
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        return {}
    raise ValueError(kind)


async def follow(plan, session, opened):
    """Carries out the steps one after the other; a failed step does not end the plan."""
    say({"opened": opened})
    for step in plan["steps"]:
        try:
            say(await asyncio.wait_for(carry_out(step, session), plan.get("patience", 15)))
        except Exception as exception:
            say(told(exception))


def main(run):
    plan = json.loads(sys.stdin.readline())
    try:
        asyncio.run(run(plan))
    except BaseException as exception:
        say({"ended": told(exception)})
        sys.exit(1)
    say({"ended": None})

"""The end of a term while streams are open. The shortest term is a minute, so this begins first and is looked at last."""
import time

import pytest

import house as houses


@pytest.fixture(scope="session", autouse=True)
def expiring(request, build):
    if not any(item.module.__name__ == "test_expiry" for item in request.session.items):
        yield None
        return
    house = build()
    house.start_sample()
    house.start()
    endpoint = house.endpoint(name="brief", ttl="61s")
    made = time.time()
    agent = house.agent(endpoint)
    streams = [agent.listen(), agent.call_streaming(
        "sample_progress", {"steps": 1000, "seconds": 1}, _meta={"progressToken": 1})]
    yield house, endpoint, agent, streams, made
    house.close()


@pytest.mark.last
def test_streams_end_at_the_second_the_term_ends(expiring):
    house, endpoint, agent, streams, made = expiring
    left = made + 61 - time.time()
    if left > 2:
        assert agent.ask("tools/list").status == 200
        assert all(stream.is_open() for stream in streams)
    for stream in streams:
        stream.end(max(0, made + 61 - time.time()) + 3)
        assert abs(time.time() - made - 61) < 2 or left < 0
    answer = agent.ask("tools/list")
    assert answer.status in (401, 404), answer
    houses.until(lambda: house.control()["sessions"] == 0, 5, "the end of the upstream's session")
    assert house.stop() == 0
    house.verify()

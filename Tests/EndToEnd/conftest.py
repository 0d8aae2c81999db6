"""Fixtures: one program to try, certificates made once, houses as tests want them."""
import itertools
import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import house as houses  # noqa: E402

SDKS = {
    "sdk1": ("mcp1", "sdk1.py", {}),
    "sdk1-http2": ("mcp1", "sdk1.py", {"http2": True}),
    "sdk2": ("mcp2", "sdk2.py", {"mode": "auto"}),
    "sdk2-pinned": ("mcp2", "sdk2.py", {"mode": "2026-07-28"}),
    "sdk2-legacy": ("mcp2", "sdk2.py", {"mode": "legacy"}),
    "fastmcp": ("mcp2", "fast.py", {"mode": "auto"}),
}


def pytest_configure(config):
    config.addinivalue_line("markers", "last: waits for something started early; runs after everything else")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session", autouse=True)
def program():
    assert houses.PROGRAM.exists(), f"{houses.PROGRAM} is not there: make build, or set KOMAINU"
    return houses.PROGRAM


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return houses.make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def build(tmp_path_factory, certificates):
    """Builds houses; whoever asks closes them."""
    numbers = itertools.count()

    def made(**options):
        return houses.House(tmp_path_factory.mktemp(f"house-{next(numbers)}"), certificates, **options)
    return made


def opened(house):
    house.start_sample()
    return house.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.has_failed = getattr(item, "has_failed", False) or report.failed
    return report


@pytest.fixture
def house(request, build):
    """A house of one's own. Whatever happened in it, it stops in good order and its trail verifies afterwards."""
    made = build()
    try:
        yield opened(made)
        # A test that failed half-way has said enough.
        if not request.node.has_failed:
            assert made.stop() in (0, None)
            made.verify()
    finally:
        made.close()


@pytest.fixture(scope="module")
def shared(build):
    """A house that the tests of one file share; those change nothing that others see."""
    made = build()
    try:
        yield opened(made)
        assert made.stop(40) == 0
        made.verify()
    finally:
        made.close()


class Client:
    """An SDK in a process and an environment of its own, told what to do line by line."""

    def __init__(self, kind, house, endpoint, steps, token=None, patience=15, **more):
        environment, script, options = SDKS[kind]
        plan = {"url": endpoint.url, "ca": str(house.ca), "steps": steps, "patience": patience} | options | more
        plan["headers"] = {"Authorization": f"Bearer {token}"} if token else {}
        self.process = subprocess.Popen(
            [str(houses.ROOT / ".venv" / environment / "bin/python"), "-W", "ignore", script], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=houses.HERE / "clients",
            env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")})
        self.say(plan)

    def say(self, value):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def hear(self):
        """The next line; None at the end."""
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def rest(self):
        """Everything that is still said."""
        out, err = self.process.communicate(timeout=90)
        lines = [json.loads(line) for line in out.splitlines()]
        assert lines, err[-3000:]
        return lines


@pytest.fixture
def client(request):
    """Starts SDK clients and sees to it that none survives its test."""
    started = []

    def start(kind, house, endpoint, steps, **more):
        started.append(Client(kind, house, endpoint, steps, **more))
        return started[-1]
    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.fixture(params=list(SDKS))
def sdk(request):
    return request.param

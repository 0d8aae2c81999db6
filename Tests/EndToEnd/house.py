"""A house: the program with a configuration of its own, the sample server behind it, and its trail."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import wire

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = pathlib.Path(os.environ.get("KOMAINU") or ROOT / ".build/release/komainu")
UPSTREAM_KEY = "sample-upstream-key-5e0c"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(condition, seconds=10, what="it"):
    """Waits for a condition to become true; returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


def make_certificates(folder):
    """An authority and a certificate for localhost, by the program itself."""
    done = subprocess.run([PROGRAM, "certificate", "create", "--directory", folder], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(folder)


class Endpoint:
    """What `endpoint create` gave."""

    def __init__(self, made):
        self.made = made
        self.id, self.token, self.url = made["id"], made["token"], made["url"]


class House:
    def __init__(self, folder, certificates, policy="policy.yaml", upstream=None, settings="", upstream_settings="",
                 sample_options=(), catalog="[torii.yaml, truto.yaml, trial.yaml]", pipes=None, admin_tls=False):
        self.folder, self.certificates = pathlib.Path(folder), pathlib.Path(certificates)
        self.ca = self.certificates / "ca.pem"
        self.port, self.admin_port, self.sample_port = free_port(), free_port(), free_port()
        self.upstream = upstream or f"https://localhost:{self.sample_port}/mcp"
        self.sample_options = list(sample_options)
        self.settings, self.upstream_settings = settings, upstream_settings
        self.catalog, self.pipes, self.admin_tls = catalog, pipes, admin_tls
        self.process = self.sample = None
        self.logs = []
        self.trail_folder = self.folder / "var/audit"
        for name in (HERE / "configuration").iterdir():
            shutil.copy(name, self.folder / name.name)
        for name in ("torii.yaml", "truto.yaml"):
            shutil.copy(ROOT / "policies/catalogs" / name, self.folder / name)
        self.policy = policy
        secret = self.folder / "upstream-key"
        secret.write_text(UPSTREAM_KEY + "\n", encoding="utf-8")
        secret.chmod(0o600)
        self.configuration = self.folder / "komainu.yaml"
        self.write_configuration()

    def write_configuration(self):
        tls = f"{{certificate: {self.certificates}/server.pem, key: {self.certificates}/server.key}}"
        self.configuration.write_text(f"""
komainu: 1
listen: 127.0.0.1:{self.port}
public_url: https://localhost:{self.port}
tls: {tls}
admin: {{listen: 127.0.0.1:{self.admin_port}{", tls: " + tls if self.admin_tls else ""}}}
upstreams:
  - name: torii
{self.place()}
    catalog: {self.catalog}
    policy: {self.policy}
    timeouts: {{connect: 2s, response: 3s, idle: 5s, total: 2m}}
{self.upstream_settings}
state: {{sqlite: var/komainu.db}}
audit: {{directory: var/audit, origin: localhost/audit, keys: var/audit-keys}}
{self.settings}
""", encoding="utf-8")

    def place(self):
        """Where the server is: at a URL, or a program with its words (`pipes`: SDK and modes)."""
        if self.pipes is None:
            return f"    url: {self.upstream}\n    ca: {self.ca}\n    credential: {{bearer_file: upstream-key}}"
        return (f"    command: {json.dumps(self.pipes_command())}\n"
                f"    environment: {{STARTED: {self.folder}/started, UPSTREAM_KEY: {{file: upstream-key}}}}")

    def pipes_command(self):
        sdk, *modes = self.pipes
        return [str(ROOT / f".venv/mcp{sdk}/bin/python"), str(HERE / "servers/pipes.py"), *modes]

    def started(self):
        """The processes that a server over pipes ever had, oldest first."""
        path = self.folder / "started"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def running(self):
        """Those that still run; a zombie does."""
        return [number for number in self.started() if os.path.exists(f"/proc/{number}")]

    # The two programs.

    def _start(self, name, command):
        log = open(self.folder / f"{name}.log", "ab")
        environment = os.environ | {"SWIFT_BACKTRACE": "enable=no"}
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, env=environment)
        log.close()
        return process

    def log(self, name="komainu"):
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _await_port(self, process, port, name):
        def there():
            assert process.poll() is None, f"{name} ended with {process.returncode}:\n{self.log(name)[-4000:]}"
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
        until(there, 15, f"{name} listening")

    def start_sample(self):
        self.sample = self._start("sample", [
            PROGRAM, "sample", "--listen", f"127.0.0.1:{self.sample_port}", "--certificate",
            self.certificates / "server.pem", "--key", self.certificates / "server.key",
            "--credential", self.folder / "upstream-key", "--control", *self.sample_options])
        self._await_port(self.sample, self.sample_port, "sample")

    def start_everything(self, sdk, *modes):
        """A server of everything (servers/) by the SDK of that major version in the sample's place."""
        self.start_server(sdk, f"sdk{sdk}.py", *modes)

    def start_server(self, sdk, script, *modes):
        """One of servers/ in the sample's place."""
        self.sample = self._start("sample", [
            ROOT / f".venv/mcp{sdk}/bin/python", HERE / "servers" / script, self.sample_port,
            self.certificates / "server.pem", self.certificates / "server.key", *modes])
        self._await_port(self.sample, self.sample_port, "sample")

    def start(self):
        self.process = self._start("komainu", [PROGRAM, "serve", "--config", self.configuration])
        self._await_port(self.process, self.port, "komainu")
        self._await_port(self.process, self.admin_port, "komainu")
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As a power cut would, for the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=15):
        """SIGTERM; returns the exit code."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"did not end within {seconds} s of SIGTERM:\n{self.log()[-3000:]}") from None
        return self.process.returncode if self.process else None

    def stop_sample(self):
        if self.sample and self.sample.poll() is None:
            self.sample.kill()
            self.sample.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.stop_sample()

    # The command line.

    def run(self, *words, code=0, config=True):
        """Runs a command; checks its exit code; returns what it printed, parsed when that is JSON."""
        command = [PROGRAM, *words] + (["--config", self.configuration] if config else [])
        done = subprocess.run([str(part) for part in command], text=True, capture_output=True, timeout=60,
                              env=os.environ | {"SWIFT_BACKTRACE": "enable=no"})
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        if "--json" in words:
            return json.loads(done.stdout) if done.stdout.strip() else None
        return done.stdout + done.stderr

    def endpoint(self, name="agent", methods=None, tags=None, tools=None, ttl=None, dual=False):
        """Creates an endpoint."""
        words = ["endpoint", "create", "torii", "--name", name, "--json"]
        for option, values in (("--methods", methods), ("--tags", tags), ("--tools", tools)):
            if values is not None:
                words += [option, ",".join(values)]
        if ttl:
            words += ["--ttl", ttl]
        if dual:
            words += ["--require-token"]
        return Endpoint(self.run(*words))

    def token(self, endpoints=(), name="ada", subject="ada@northquay.example", groups=(), ttl=None):
        """Creates an API token bound to endpoints; returns what was made."""
        words = ["token", "create", "--name", name, "--subject", subject, "--json"]
        for endpoint in endpoints:
            words += ["--endpoint", endpoint.id]
        for group in groups:
            words += ["--group", group]
        if ttl:
            words += ["--ttl", ttl]
        return self.run(*words)

    def admin_token(self, role, name="somebody", ttl=None):
        """Creates an admin token; returns what was made."""
        return self.run("admin-token", "create", "--name", name, "--role", role, "--json", *(["--ttl", ttl] if ttl else []))

    def agent(self, endpoint=None, token=None, **more):
        """An open conversation with an endpoint, a new one by default."""
        endpoint = endpoint or self.endpoint()
        return wire.Agent(endpoint.url, self.ca, token, **more).open()

    def operator(self, **more):
        """An open conversation of somebody who may write."""
        endpoint = self.endpoint(name="operations", dual=True)
        return self.agent(endpoint, self.token([endpoint], groups=["operators"])["token"], **more)

    # The sample server, behind the program's back.

    def control(self, method="GET", order=None, query=""):
        body = json.dumps(order).encode() if order is not None else b""
        fields = [("Host", f"localhost:{self.sample_port}")] + ([("Content-Type", "application/json")] if body else [])
        connection = wire.Connection(self.sample_port, self.ca)
        connection.send(wire.request(method, "/sample/control" + query, fields, body))
        answer = connection.answer()
        connection.close()
        assert answer is not None and answer.status in (200, 204), answer
        return json.loads(answer.body) if answer.body else None

    def fault(self, kind, **options):
        """Orders the sample to do something wrong with the next `tools/call`, unless told otherwise."""
        self.control("POST", {"fault": kind, "method": "tools/call"} | options)

    def reached(self, tool=None):
        """How many requests reached the sample; or how many calls of a tool."""
        report = self.control(query="?since=1000000")
        return report["tools"].get(tool, 0) if tool else report["counts"].get("requests", 0)

    def received(self, since=0):
        """The requests that reached the sample."""
        return self.control(query=f"?since={since}")["received"]

    # The trail.

    def trail(self):
        """Every record, in order, as the files have them now."""
        records = []
        for path in sorted(self.trail_folder.rglob("*.jsonl")):
            # A line without its end is being written.
            for line in path.read_bytes().split(b"\n")[:-1]:
                records.append(json.loads(line))
        return sorted(records, key=lambda record: record["seq"])

    def records(self, kind=None, tool=None, since=0):
        return [record for record in self.trail() if record["seq"] >= since and (kind is None or record["kind"] == kind)
                and (tool is None or record.get("mcp", {}).get("tool") == tool)]

    def await_record(self, kind, since=0, seconds=5, **parts):
        """The first record of that kind since a sequence number whose parts have these values (`dec_why` is dec.why)."""
        def find():
            for record in self.records(kind, since=since):
                values = {name: record.get(name.split("_")[0], {}).get(name.split("_")[1]) for name in parts}
                if values == parts:
                    return record
        return until(find, seconds, f"a {kind} record with {parts}")

    def next_seq(self):
        trail = self.trail()
        return trail[-1]["seq"] + 1 if trail else 0

    def verify(self, code=0):
        """`audit verify` over the trail's directory and nothing else."""
        done = subprocess.run([PROGRAM, "audit", "verify", self.trail_folder], text=True, capture_output=True, timeout=120)
        assert done.returncode == code, f"verify said {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

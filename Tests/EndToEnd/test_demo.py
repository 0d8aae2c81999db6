"""`make run`: what it prints is all that a client needs, and it shows what it decides."""
import json
import re
import signal
import subprocess

import expectations
import house as houses
import wire


class Demo:
    """A demonstration as an endpoint: the tests' clients need a URL and an authority to trust."""

    def __init__(self, folder):
        self.ca = folder / "certs/ca.pem"
        self.output = folder / "output"
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                [houses.PROGRAM, "demo", "--listen", f"127.0.0.1:{houses.free_port()}", "--directory", folder / "demo",
                 "--certificates", folder / "certs"], stdout=out, stderr=out, cwd=houses.ROOT)
        houses.until(lambda: "Ctrl-C" in self.text, 20, "the invitation")
        self.url = re.search(r"^endpoint URL +(https://\S+)$", self.text, re.MULTILINE)[1]
        self.token = re.search(r"^API token +(\S+)$", self.text, re.MULTILINE)[1]

    @property
    def text(self):
        return self.output.read_text(encoding="utf-8")


def test_a_client_with_what_is_printed_reads_and_cannot_write(client, sdk, tmp_path):
    demo = Demo(tmp_path)
    try:
        steps = [{"do": "list"}, {"do": "call", "tool": "list_users", "arguments": {"size": 3}},
                 {"do": "call", "tool": "update_user", "arguments": {"idUser": 41988, "lifecycleStatus": "offboarded"}}]
        opened, listed, users, denied, ended = client(sdk, demo, demo, steps, token=demo.token).rest()
        assert ended == {"ended": None}
        names = {tool["name"] for tool in listed["tools"]}
        assert "list_users" in names and not names & {"update_user", "create_contract", "run_workflow"}
        assert json.loads(users["result"]["content"][0]["text"])["users"][0]["id"] == 41207
        assert not expectations.leaks(json.dumps(users) + json.dumps(opened))
        assert denied["message"] == "Unknown tool: update_user"
        houses.until(lambda: "update_user" in demo.text.split("Ctrl-C")[1], 5, "the decision's line")
        assert not expectations.ADDRESS.findall(demo.text.split("Ctrl-C")[1].replace("demo@example.com", ""))
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(15) == 0
    finally:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()


def test_without_the_second_factor_nobody_enters(tmp_path):
    demo = Demo(tmp_path)
    try:
        answer = wire.Agent(demo.url, demo.ca).ask("tools/list")
        assert answer.status == 401
    finally:
        demo.process.kill()
        demo.process.wait()

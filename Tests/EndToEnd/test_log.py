"""The trail as a transparency log: what strangers' programs say of it, and what ours says of strangers' logs."""
import base64
import hashlib
import json
import os
import random
import shutil
import subprocess

import pytest

import house as houses
import tlog_writer


def audit(*words, code=0):
    done = subprocess.run([houses.PROGRAM, "audit", *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"audit {words} said {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def key_of(folder):
    return json.loads((folder / "log.json").read_text(encoding="utf-8"))["vkey"]


def anchor_of(house):
    return next((house.folder / "var/audit-keys").glob("*.head"))


def closed(house, calls):
    """A house that made some calls and was stopped in good order; its trail's folder."""
    agent = house.agent()
    for number in range(calls):
        agent.call("list_apps", {"size": number % 5 + 1})
    assert house.stop() == 0
    return house.trail_folder


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """The independent verifier, built from Debian's packages alone."""
    folder = tmp_path_factory.mktemp("verifier")
    program = folder / "tlogcheck"
    subprocess.run(["go", "build", "-o", program, houses.HERE / "verifier/tlogcheck.go"], check=True, timeout=300, env=os.environ | {
        "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "cache"), "GOFLAGS": ""})

    def check(trail, *proofs, code=0):
        done = subprocess.run([program, trail, key_of(trail), *proofs], capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout
    return check


def test_an_independent_verifier_agrees_with_everything_that_was_written(house, stranger, tmp_path):
    trail = closed(house, 90)
    house.start()
    agent = house.agent()
    for _ in range(90):
        agent.call("list_users")
    assert house.stop() == 0
    records = house.trail()
    assert len(records) > 256, "more than one tile of leaves"
    proofs = []
    for number in (0, 17, len(records) - 1):
        proofs.append(tmp_path / f"{number}.tlog-proof")
        audit("prove", number, trail, "--output", proofs[-1])
    said = stranger(trail, *proofs)
    assert said.startswith(f"{len(records)} records") and said.endswith("3 proofs\n"), said
    # And it is no rubber stamp.
    tile = trail / "tile/0/000"
    original = tile.read_bytes()
    tile.chmod(0o640)
    tile.write_bytes(original[:100] + bytes([original[100] ^ 1]) + original[101:])
    stranger(trail, code=1)
    tile.write_bytes(original)
    stranger(trail)


def test_openssl_alone_verifies_a_checkpoint(house, tmp_path):
    trail = closed(house, 3)
    text, _, signatures = (trail / "checkpoint").read_text(encoding="utf-8").rpartition("\n\n")
    name, public = key_of(trail).split("+", 1)[0], base64.b64decode(key_of(trail).split("+", 2)[2])[1:]
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
    (tmp_path / "text").write_bytes(text.encode() + b"\n")
    dash, signer, blob = signatures.strip().split(" ")
    assert dash == "—" and signer == name == text.split("\n")[0]
    (tmp_path / "signature").write_bytes(base64.b64decode(blob)[4:])
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", tmp_path / "key.der",
               "-in", tmp_path / "text", "-sigfile", tmp_path / "signature"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "Signature Verified Successfully" in done.stdout, done.stdout + done.stderr
    (tmp_path / "text").write_bytes(text.encode().replace(b"\n", b"0\n", 1) + b"\n")
    assert subprocess.run(command, capture_output=True).returncode != 0


@pytest.mark.parametrize("count", [2, 255, 256, 257, 700])
def test_a_log_by_another_writer_is_verified_and_proven(tmp_path, stranger, count):
    key = tlog_writer.Key("other.example/log", tmp_path)
    trail = tmp_path / "trail"
    lines, _ = tlog_writer.write(trail, key.name, key, count)
    report = json.loads(audit("verify", trail, "--json", "--key", key.vkey))
    assert (report["verdict"], report["signed"], report["records"]) == ("OK", count, count)
    proof = tmp_path / "proof"
    audit("prove", count // 2, trail, "--output", proof)
    assert lines[count // 2].decode() in audit("check-proof", proof, "--key", key.vkey)
    stranger(trail, proof)
    # One record exchanged, the chain behind it made right again: only the tree tells.
    shutil.rmtree(trail / "seg")
    other = tmp_path / "other"
    tlog_writer.write(other, key.name, key, count)
    segment = other / "seg/00000000000000000000-000001.jsonl"
    changed = segment.read_bytes().splitlines()
    rewritten, previous = [], None
    for number, line in enumerate(changed):
        record = json.loads(line)
        if number == count // 2:
            record["info"] = {"n": "another"}
        if previous is not None:
            record["prev"] = tlog_writer.url64(previous)
        line = json.dumps(record, separators=(",", ":")).encode()
        previous = tlog_writer.sha(b"\0" + line)
        rewritten.append(line)
    shutil.copytree(other / "seg", trail / "seg")
    (trail / "seg" / segment.name).write_bytes(b"".join(line + b"\n" for line in rewritten))
    report = json.loads(audit("verify", trail, "--json", code=1))
    assert report["verdict"] == "TAMPERED"
    offset = sum(len(line) + 1 for line in rewritten[:count // 2])
    assert any(problem["record"] == count // 2 and problem["offset"] == offset
               for problem in report["problems"] if problem["file"].startswith("seg/")), report["problems"]


def test_any_changed_byte_of_the_tree_is_told(house):
    trail = closed(house, 2)
    dice = random.Random(20261120)
    files = [trail / "checkpoint", trail / "log.json", *(trail / "checkpoints").iterdir(),
             *(path for path in (trail / "tile").rglob("*") if path.is_file())]
    assert len(files) >= 5
    for path in files:
        original = path.read_bytes()
        path.chmod(0o640)
        for index in dice.sample(range(len(original)), 6):
            path.write_bytes(original[:index] + bytes([original[index] ^ 1 << dice.randrange(8)]) + original[index + 1:])
            done = subprocess.run([houses.PROGRAM, "audit", "verify", trail], capture_output=True, text=True)
            assert done.returncode == 1 or path.name == "log.json" and done.returncode == 3, f"{path} byte {index}: {done.stdout}"
        path.write_bytes(original)
    audit("verify", trail)


def test_a_proof_is_checked_with_the_public_key_alone(house, tmp_path):
    trail = closed(house, 20)
    vkey = key_of(trail)
    intent = house.records("call.intent")[3]
    proof = tmp_path / "call.tlog-proof"
    proof.write_text(audit("prove", intent["cid"], trail), encoding="utf-8")
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.move(proof, alone / proof.name)
    house.trail_folder.rename(tmp_path / "gone")
    said = audit("check-proof", alone / proof.name, "--key", vkey)
    assert f"proven: record {intent['seq']} is in the log" in said and intent["cid"] in said
    shown = json.loads(audit("check-proof", alone / proof.name, "--key", vkey, "--json"))
    assert json.loads(shown["line"]) == intent
    audit("check-proof", alone / proof.name, code=2)
    audit("check-proof", alone / proof.name, "--key", vkey.replace("+", "+0", 1), code=2)
    other = tlog_writer.Key("localhost/audit", tmp_path)
    audit("check-proof", alone / proof.name, "--key", other.vkey, code=1)
    text = (alone / proof.name).read_text(encoding="utf-8")
    (alone / proof.name).write_text(text.replace(f"index {intent['seq']}", f"index {intent['seq'] + 1}"), encoding="utf-8")
    audit("check-proof", alone / proof.name, "--key", vkey, code=1)
    (tmp_path / "gone").rename(house.trail_folder)
    audit("prove", 10_000, trail, code=3)


def test_growth_is_proven_from_any_kept_checkpoint(house, tmp_path):
    trail = closed(house, 20)
    old = tmp_path / "old"
    shutil.copy(trail / "checkpoint", old)
    size = old.read_text(encoding="utf-8").split("\n")[1]
    house.start()
    closed(house, 20)
    growth = tmp_path / "growth"
    audit("prove-growth", size, trail, "--output", growth)
    assert growth.read_text(encoding="utf-8").startswith(f"old {size}\n")
    assert "begins with" in audit("check-proof", growth, "--old", old, "--key", key_of(trail))
    audit("check-proof", growth, "--old", trail / "checkpoint", "--key", key_of(trail), code=1)


def test_a_trail_that_was_put_back_does_not_start_and_says_both_sizes(house, tmp_path):
    trail = closed(house, 3)
    early = tmp_path / "early"
    shutil.copytree(trail, early)
    before = len(house.trail())
    house.start()
    closed(house, 3)
    after = len(house.trail())
    late = tmp_path / "late"
    trail.rename(late)
    shutil.copytree(early, trail)
    done = subprocess.run([houses.PROGRAM, "serve", "--config", house.configuration], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert f"the anchor says {after} records, the log has {before}" in done.stderr
    report = json.loads(audit("verify", trail, "--anchor", anchor_of(house), "--json", code=1))
    assert report["verdict"] == "ROLLED BACK"
    # The twin that went on alone: both are whole, and each shows the other to be a fork.
    anchor_of(house).rename(tmp_path / "anchor")
    house.start()
    closed(house, 8)
    audit("verify", trail)
    report = json.loads(audit("verify", trail, "--anchor", tmp_path / "anchor", "--json", code=1))
    assert report["verdict"] == "FORKED"
    shutil.rmtree(trail)
    late.rename(trail)
    done = subprocess.run([houses.PROGRAM, "serve", "--config", house.configuration], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "rollback or tampering" in done.stderr
    shutil.copy(tmp_path / "anchor", anchor_of(house))
    house.start()


def test_a_running_log_is_verified_and_killed_at_any_moment_keeps_what_it_signed(house):
    dice = random.Random(5)
    signed = {}
    for _ in range(6):
        agent = house.agent()
        for _ in range(dice.randrange(5, 25)):
            agent.call("list_apps", {"size": 1})
        house.verify()
        # What was released before the end, seen by somebody else.
        text = (house.trail_folder / "checkpoint").read_text(encoding="utf-8").split("\n")
        signed[int(text[1])] = text[2]
        house.kill()
        house.start()
        anchored = house.folder / "seen"
        shutil.copy(anchor_of(house), anchored)
        audit("verify", house.trail_folder, "--anchor", anchored, "--key", key_of(house.trail_folder))
    lines = [line for path in sorted(house.trail_folder.glob("seg/*.jsonl"), key=lambda path: path.name.split("-")[1])
             for line in path.read_bytes().split(b"\n")[:-1]]
    leaves = [hashlib.sha256(b"\0" + line).digest() for line in lines]
    for size, text in signed.items():
        assert tlog_writer.plain64(tlog_writer.root(leaves[:size])) == text
    assert len(signed) > 2


def test_a_new_key_follows_the_old_one(house):
    trail = closed(house, 2)
    old = key_of(trail)
    new = subprocess.run([houses.PROGRAM, "audit", "rotate-key", "--config", house.configuration, "--reason", "yearly"],
                         capture_output=True, text=True, timeout=30)
    assert new.returncode == 0, new.stderr
    assert new.stdout.strip() == key_of(trail) != old
    house.start()
    closed(house, 2)
    for key in (old, key_of(trail)):
        audit("verify", trail, "--key", key)
    assert (trail / "checkpoint").read_text(encoding="utf-8").count("—") == 2
    assert house.records("log.key_rotated")[0]["info"]["old"] == old


def test_an_older_trail_gets_its_tree(house, stranger):
    trail = closed(house, 1)
    shutil.rmtree(trail)
    shutil.rmtree(house.folder / "var/audit-keys")
    tlog_writer.write(trail, "localhost/audit", None, 600)
    audit("verify", trail)
    house.start()
    closed(house, 1)
    assert int(stranger(trail).split()[0]) == len(house.trail()) > 600
    audit("verify", trail, "--key", key_of(trail))

"""A log in C2SP tlog-tiles by somebody else: hashlib, openssl, and the formats' descriptions; nothing of the product's."""
import base64
import hashlib
import json
import pathlib
import subprocess


def sha(data):
    return hashlib.sha256(data).digest()


def root(hashes):
    """RFC 6962 section 2.1 over leaves, or over subtrees of one size."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha(b"")
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\x01" + root(hashes[:split]) + root(hashes[split:]))


def plain64(data):
    return base64.b64encode(data).decode()


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """An Ed25519 key that openssl made and signs with."""

    def __init__(self, name, folder):
        self.name, self.path = name, pathlib.Path(folder) / "writer.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path], check=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], check=True,
                             capture_output=True).stdout
        self.public = der[-32:]
        self.id = sha(name.encode() + b"\n\x01" + self.public)[:4]
        self.vkey = "+".join([name, self.id.hex(), plain64(b"\x01" + self.public)])

    def note(self, text):
        message = self.path.with_suffix(".message")
        message.write_bytes(text.encode())
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", message],
                                   check=True, capture_output=True).stdout
        return f"{text}\n— {self.name} {plain64(self.id + signature)}\n"


def write(folder, origin, key, count):
    """A closed trail of so many records in one segment, with its tiles and its checkpoint; without a key none of these."""
    folder = pathlib.Path(folder)
    genesis = sha(b"mcp-audit/genesis\n" + origin.encode())
    previous, lines, leaves = genesis, [], []
    for number in range(count):
        kind, info = "list.served", {"n": number}
        if number == 0:
            kind, info = "log.opened", {"program": "another writer"} | ({"vkey": key.vkey} if key else {})
        if number == count - 1:
            kind, info = "log.closed", {}
        line = json.dumps({"v": 1, "seq": number, "dur": number, "ts": "2026-11-20T10:00:00.000000000Z", "mono": 0,
                           "kind": kind, "info": info, "prev": url64(previous)}, separators=(",", ":")).encode()
        previous = sha(b"\x00" + line)
        lines.append(line)
        leaves.append(previous)
    (folder / "seg").mkdir(parents=True)
    (folder / "seg/00000000000000000000-000001.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    description = {"v": 1, "origin": origin} | ({"vkey": key.vkey} if key else {}) | {
        "entry": "jsonl/1", "genesis": url64(genesis)}
    (folder / "log.json").write_text(json.dumps(description, separators=(",", ":")) + "\n", encoding="utf-8")
    if key:
        write_tiles(folder, leaves)
        (folder / "checkpoint").write_text(key.note(f"{origin}\n{count}\n{plain64(root(leaves))}\n"), encoding="utf-8")
    return lines, leaves


def write_tiles(folder, leaves):
    level, hashes = 0, leaves
    while hashes:
        for start in range(0, len(hashes), 256):
            tile = hashes[start:start + 256]
            path = folder / f"tile/{level}/{start // 256:03d}"
            if len(tile) < 256:
                path = path.with_name(f"{path.name}.p") / str(len(tile))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(tile))
        level, hashes = level + 1, [root(hashes[at:at + 256]) for at in range(0, len(hashes) - 255, 256)]

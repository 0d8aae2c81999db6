"""What must not be seen, and what must be seen: used by more than one test."""
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
CATALOGS = HERE.parent.parent / "policies/catalogs"

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.example")
PHONE = re.compile(r"555-?\s?01\d\d")
PSEUDONYM = re.compile(r"p-[0-9a-f]{10,}@redacted\.invalid")
NAMES = ["Okonjo", "Abramczyk", "Maren", "Teodor"]

ENTRY = re.compile(r"^  (\w+):\s*\{method: (\w+),\s*effect: (\w+),\s*tags: \[([^\]]*)\]", re.MULTILINE)
POLICY_TAGS = {"apps", "users", "contracts", "audit", "workflows", "transactions", "roles", "org", "trial", "meta"}

# Tools whose vendor claims tighten what the catalogue says: match_apps is announced as not read-only.
TIGHTENED = {"match_apps"}


def catalogue():
    """Every tool that the catalogues classify: name to (method, effect, tags)."""
    found = {}
    for file in (CATALOGS / "torii.yaml", CATALOGS / "truto.yaml", HERE / "configuration/trial.yaml"):
        for name, method, effect, tags in ENTRY.findall(file.read_text(encoding="utf-8")):
            found[name] = (method, effect, {tag.strip() for tag in tags.split(",")})
    return found


def readable(offered):
    """Of the tools the sample offers, those that the tests' policy shows to somebody who may only read."""
    known = catalogue()
    return {name for name in offered if name in known and known[name][1] == "read" and known[name][2] & POLICY_TAGS
            and name not in TIGHTENED} | ({"call_tool"} & set(offered))


def leaks(text, names=True):
    """What personal data a text shows."""
    found = [match for match in ADDRESS.findall(text) + PHONE.findall(text)]
    found += [value for value in ["4111 1111", "GB82 WEST", "ex-4f9a-not-real"] if value in text]
    return found + ([name for name in NAMES if name in text] if names else [])

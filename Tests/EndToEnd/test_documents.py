"""What the documents show as a whole file is one: it passes `komainu check`."""
import re
import subprocess

import pytest

import house as houses

DOCUMENTS = [houses.ROOT / "README.md", *sorted((houses.ROOT / "docs").glob("*.md"))]
POLICIES = [(document.name, block) for document in DOCUMENTS
            for block in re.findall(r"```yaml\n(.*?)```", document.read_text(encoding="utf-8"), re.S)
            if block.startswith("komainu: 1\npolicy:")]


def test_there_are_policies_to_try():
    assert {name for name, _ in POLICIES} == {"README.md", "policy.md"}


@pytest.mark.parametrize("name, policy", POLICIES, ids=[name for name, _ in POLICIES])
def test_a_policy_in_a_document_passes_the_check(build, name, policy):
    house = build(policy="shown.yaml", catalog="[torii.yaml]")
    (house.folder / "shown.yaml").write_text(policy, encoding="utf-8")
    done = subprocess.run([houses.PROGRAM, "check", house.configuration], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr

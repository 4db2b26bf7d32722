"""The set-up from a clean clone, as far as it can be tested without installing anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    return subprocess.run(
        ["make", "--always-make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def requirement_name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower()


def test_every_direct_dependency_is_pinned_and_nothing_else():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    direct = {requirement_name(r) for group in groups for r in group} - {"ocrtune"}
    lines = (ROOT / "constraints" / "cpu.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))
    assert pins.keys() == direct
    assert pins["torch"] == "2.13.0"


# TORCH=…, what pip is told
@pytest.mark.parametrize(
    ("torch", "told"), [("cpu", "-c constraints/cpu.txt -e"), ("cuda", "--upgrade torch -e")]
)
def test_setup_installs_the_chosen_torch(torch, told):
    plan = make("--dry-run", "setup", f"TORCH={torch}")
    assert plan.returncode == 0
    assert f"pip install --quiet {told} '.[train,dev]'" in plan.stdout


def test_an_unknown_torch_is_refused():
    refused = make("--dry-run", "setup", "TORCH=rocm")
    assert refused.returncode == 2
    assert "TORCH is 'rocm'; it can be cpu or cuda" in refused.stderr


def test_an_old_python_is_named_before_anything_is_made(tmp_path):
    """`sys.version_info` is replaced, as no older Python need be installed here."""
    check = re.search(r"-c '(.*?)'", make("--dry-run", "setup").stdout, re.DOTALL)
    assert check is not None
    code = check[1].replace("v = sys.version_info", "v = (3, 10)")
    old = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert old.returncode == 1
    assert (
        old.stderr
        == "ocrtune needs Python 3.11 or newer, python3 is 3.10; try: make setup PYTHON=python3.12\n"
    )


def test_make_alone_lists_the_targets():
    listed = make()
    assert re.findall(r"^  make (\w+)", listed.stdout, re.MULTILINE) == [
        *("help", "setup", "quickstart", "test", "check", "lint", "clean")
    ]

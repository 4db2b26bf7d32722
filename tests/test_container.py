"""What the container's files say fits together; the image itself is measured by bench/container.py."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from ocrtune.cli import app
from ocrtune.config import ServeConfig

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
SERVICE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["ocrtune"]


def last(instruction: str) -> str:
    """What stands behind the last such instruction."""
    return re.findall(rf"^{instruction} (.+)$", DOCKERFILE, re.MULTILINE)[-1]


def test_the_build_sees_what_it_copies_and_little_else() -> None:
    rules = [
        row for row in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if row[:1] != "#"
    ]
    kept = [row[1:] for row in rules if row.startswith("!")]
    copied = [
        source
        for parts in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in parts.split()[:-1]
    ]
    assert rules[0] == "*"
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("given", [[], SERVICE["command"]], ids=["image alone", "compose"])
def test_the_entry_point_is_a_command_of_ours_that_others_reach(given: list[str]) -> None:
    python, flag, module, *arguments = json.loads(last("ENTRYPOINT"))
    assert (python, flag, module) == ("python", "-m", "ocrtune")
    _, bound, _ = app.parse_args([*arguments, *given], exit_on_error=False, print_error=False)
    config = bound.arguments["config"]
    assert isinstance(config, ServeConfig)
    assert config.host == "0.0.0.0"
    assert str(config.port) == last("EXPOSE")
    assert f":{config.port}/healthz" in last("HEALTHCHECK")
    assert SERVICE["ports"] == [f"{config.port}:{config.port}"]


def test_the_service_has_no_rights() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER"))
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert all(volume["read_only"] for volume in SERVICE["volumes"])


def test_versions_are_pinned_and_training_is_left_out() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(fnmatch(base, "python:3.*.*-slim-*") for base in bases)
    install = last("RUN")
    assert "--constraint constraints/cpu.txt" in install
    assert install.split(" && ")[0].rstrip().endswith(" .")  # no extra: torch comes with [train]

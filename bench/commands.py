"""What the benchmarks that train have in common: the machine, the `ocrtune` commands, the figures."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

FIGURES = ("exact_match", "exact_match_no_space", "cer")
"""Of `ocrtune eval --json`."""


def machine() -> str:
    """The machine in a line: CPU, cores, whether it has bf16 instructions, versions."""
    import torch

    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    bf16 = [flag for flag in ("amx_bf16", "avx512_bf16") if f" {flag}" in text]
    return (
        f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, "
        f"bf16 instructions: {', '.join(bf16) or 'none'}; Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )


def first_lines(folder: Path, count: int, target: Path) -> Path:
    """A label file of the first `count` lines of `folder`, with absolute paths."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()[:count]
    target.write_text("".join(f"{folder.resolve()}/{line}\n" for line in lines), encoding="utf-8")
    return target


def evaluate(model: str, val: Path, ignore_case: bool) -> dict[str, float]:
    """The figures of `ocrtune eval`."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "eval.json"
        case = ["--ignore-case"] if ignore_case else []
        call("eval", model, "--data", str(val), "--json", str(target), *case)
        content = json.loads(target.read_text(encoding="utf-8"))
    return {name: content[name] for name in FIGURES}


def call(*arguments: str) -> None:
    """Run the `ocrtune` command of this interpreter's environment; its output only if it fails."""
    command = [sys.executable, "-m", "ocrtune", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def show(figures: dict[str, float]) -> str:
    """Figures in per cent."""
    return (
        f"exact {figures['exact_match']:.1%}, without spaces {figures['exact_match_no_space']:.1%}, "
        f"CER {figures['cer']:.2%}"
    )

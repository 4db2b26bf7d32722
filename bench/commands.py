"""What the benchmarks that train have in common: the machine, the `ocrtune` commands, the figures."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ocrtune.evaluate.metrics import comparable

RECIPES = Path(__file__).parent / "recipes"

FIGURES = ("exact_match", "exact_match_no_space", "cer")
"""Of `ocrtune eval --json`."""


def run_sets(
    description: str | None,
    sets: Mapping[str, object],
    measure: Callable[[str, Path, Path, int | None], dict[str, Any]],
    report: Callable[[dict[str, Any]], str],
) -> None:
    """The command line of a benchmark: measures the sets it names, one by one, and shows each.

    Args:
        description: of the benchmark; its first line says what it measures.
        sets: by their names on the command line.
        measure: takes a set's name, the folder with the data, one for runs, and a number of seeds.
        report: the table of what `measure` gave.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", choices=sets, metavar="SET", help=", ".join(sets))
    parser.add_argument("--data", type=Path, required=True, help="folder with receipts, plates, typewritten")
    parser.add_argument("--seeds", type=int, help="number of seeds, instead of the set's own")
    parser.add_argument("--runs", type=Path, help="keep made lines and run folders here")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    print(machine(), flush=True)
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        runs = options.runs or Path(temporary)
        for name in options.sets:
            results.append(measure(name, options.data, runs, options.seeds))
            print(report(results[-1]), flush=True)
            if options.json:
                options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


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


def write_recipe(name: str, target: Path, **changes: Any) -> Path:
    """The recipe `bench/recipes/NAME.yaml` with other values at its top level, as the file `target`."""
    content = yaml.safe_load((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(content | changes, allow_unicode=True), encoding="utf-8")
    return target


def cut_base(lines: Sequence[str], run: Path) -> Path:
    """The base with its charset cut to that of lines, nothing trained: a rate of zero and one batch.

    Args:
        lines: options of `ocrtune train` that name them.
        run: gets the model.
    """
    call(
        "train", *lines, "-o", str(run), "--overwrite",
        "--steps", "1", "--lr", "1e-30", "--augment", "none",
    )  # fmt: skip
    return run


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


Shares = dict[str, float]


def score_general(model: str, data: Path) -> Shares:
    """Shares of exactly read lines: as they are, with case ignored, and with case and spaces ignored."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "eval.json"
        call("eval", model, "--data", str(data), "--json", str(target))
        content = json.loads(target.read_text(encoding="utf-8"))
    wrong = {"exact": 0, "no_case": 0, "no_space": 0}
    for line in content["misread"]:
        truth, reading = (comparable(line[name], ignore_case=True) for name in ("truth", "reading"))
        wrong["exact"] += 1
        wrong["no_case"] += truth != reading
        wrong["no_space"] += truth.replace(" ", "") != reading.replace(" ", "")
    return {name: 1 - count / content["lines"] for name, count in wrong.items()}


def show_general(scores: Shares) -> str:
    """Shares in per cent."""
    return (
        f"exact {scores['exact']:.1%}, case ignored {scores['no_case']:.1%}, "
        f"spaces too {scores['no_space']:.1%}"
    )

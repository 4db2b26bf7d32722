"""What a network learns from nothing but made receipt lines in half an hour: `ocrtune train --base none`.

    python bench/scratch.py crnn tps-resnet-bilstm-attn
    python bench/scratch.py crnn --minutes 60 --lines 40000 --json scratch.json

Draws lines of `bench/recipes/receipts.yaml`, times a few batches of each network, and trains it for as many
as fit the time, validations not counted. The lines that validate and are scored are drawn with other texts
and looks; of the validations the curve is shown.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from commands import call, evaluate, machine, show, write_recipe

KEPT_BACK_LINES = 1000

PROBE_STEPS = 40

VALIDATIONS = 15

LEAST_READ = {"crnn": 0.9}
"""Share of the kept-back lines, exact, in half an hour."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archs", nargs="+", metavar="ARCH", help="as for `ocrtune train --arch`")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--lines", type=int, default=20_000, help="made lines to train on")
    parser.add_argument("--profile", default="receipt-thermal", help="look of all lines")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, help="keep made lines and run folders here")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    print(machine(), flush=True)
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        runs = options.runs or Path(temporary)
        lines, kept_back = runs / "lines", runs / "kept-back"
        draw_lines(lines, options.lines, 0, options.profile)
        draw_lines(kept_back, KEPT_BACK_LINES, 1, options.profile)
        for arch in options.archs:
            results.append(measure(arch, lines, kept_back, runs, options))
            print(report(results[-1]), flush=True)
            if options.json:
                options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


def draw_lines(out: Path, count: int, seed: int, profile: str) -> None:
    """Lines of the recipe in an LMDB."""
    given = write_recipe(
        "receipts", out.with_name(f"{out.name}.yaml"), seed=seed, profile=profile, lines=count
    )
    call("synth", "--recipe", str(given), "--lmdb", "-o", str(out), "--overwrite")


def measure(
    arch: str, lines: Path, kept_back: Path, runs: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Train for the time, and score the kept-back lines."""
    train = (
        "train", "--base", "none", "--arch", arch, "--train", str(lines), "--val", str(kept_back),
        "--seed", str(options.seed), "--overwrite",
    )  # fmt: skip
    probe = runs / f"{arch}-probe"
    call(*train, "--steps", str(PROBE_STEPS), "-o", str(probe))
    steps = int(options.minutes * 60 / (curve(probe)[-1]["seconds"] / PROBE_STEPS))
    run = runs / arch
    begun = time.perf_counter()
    call(*train, "--steps", str(steps), "--val-every", str(-(-steps // VALIDATIONS)), "-o", str(run))
    minutes = (time.perf_counter() - begun) / 60
    return {
        "arch": arch,
        "steps": steps,
        "minutes": minutes,
        "curve": curve(run),
        "kept back": evaluate(str(run), kept_back, ignore_case=False),
    }


def curve(run: Path) -> list[dict[str, float]]:
    """What each validation of a run gave."""
    return [json.loads(row) for row in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def report(result: dict[str, Any]) -> str:
    """The curve, and what was read in the end."""
    rows = [f"{result['arch']}: {result['steps']} batches, {result['minutes']:.1f} min with validations"]
    rows += [
        f"  {row['seconds'] / 60:5.1f} min, epoch {row['epoch']:5.2f}: exact {row['val_exact_match']:.1%}, "
        f"CER {row['val_cer']:.2%}"
        for row in result["curve"]
    ]
    rows.append(f"  kept-back lines: {show(result['kept back'])}")
    if result["arch"] in LEAST_READ:
        rows[-1] += f"; to reach: {LEAST_READ[result['arch']]:.0%} exact"
    return "\n".join(rows)


if __name__ == "__main__":
    main()

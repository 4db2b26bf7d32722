"""What fine-tuning loses of general print, with replay and guard and without: `ocrtune train --vocab keep`.

    python bench/forgetting.py receipts-1000 --data ../shared/real --general ../shared/general --fonts FOLDER

DIR holds `receipts` with `train` and `val`, as for `bench/finetune.py`; GENERAL is a set of general lines
that neither trains nor validates nor guards: it is scored before and after, and nothing else. The lines that
are replayed and that guard are drawn in the fonts of FOLDER, which must not be those of the general set.
Both runs have the same seed and options but for `--replay` and `--guard`; all figures ignore case.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from commands import call, evaluate, first_lines, machine, show

SETS = {"receipts-1000": ("receipts", 1000), "receipts-300": ("receipts", 300)}
"""Folder, and how many of its first lines train."""

MOST_LOST = 0.005
"""Share of general lines."""
MOST_MISSED = 0.005
"""Of what is gained on the material without replay and guard."""
MOST_TIME = 2.5
"""Times that of a run without."""

Run = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", choices=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--data", type=Path, required=True, help="folder with receipts")
    parser.add_argument("--general", type=Path, required=True, help="labelled general lines, only scored")
    parser.add_argument("--fonts", type=Path, required=True, help="fonts of the replayed and guarding lines")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    parser.add_argument("--runs", type=Path, help="keep run folders here")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    print(machine(), flush=True)
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.sets:
            results.append(measure(name, options, options.runs or Path(temporary)))
            print(report(results[-1]), flush=True)
            if options.json:
                options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


def measure(name: str, options: argparse.Namespace, runs: Path) -> dict[str, object]:
    """Score the base, then train and score both ways with each seed."""
    folder, count = SETS[name]
    val = options.data / folder / "val"
    train = first_lines(options.data / folder / "train", count, runs / f"{name}-train.txt")
    base = {
        "val": evaluate("ppocrv6-small", val, True),
        "general": evaluate("ppocrv6-small", options.general, True),
    }
    print(f"{name}, base: val {show(base['val'])}; general {show(base['general'])}", flush=True)
    ways = {
        "with": ["--replay", "auto", "--guard", "auto", "--fonts", str(options.fonts)],
        "without": ["--replay", "none", "--guard", "none"],
    }
    arms: dict[str, list[dict[str, object]]] = {way: [] for way in ways}
    for seed in range(options.seeds):
        for way, given in ways.items():
            run = runs / f"{name}-{way}-{seed}"
            begun = time.perf_counter()
            call(
                "train", "--train", str(train), "--val", str(val), "--vocab", "keep", *given,
                *(["--epochs", str(options.epochs)] if options.epochs else []),
                "-o", str(run), "--seed", str(seed), "--overwrite",
            )  # fmt: skip
            minutes = (time.perf_counter() - begun) / 60
            scored = {
                "val": evaluate(str(run), val, True),
                "general": evaluate(str(run), options.general, True),
            }
            arms[way].append({"seed": seed, "minutes": minutes, **scored})
            print(
                f"{name}, {way} replay and guard, seed {seed}: {minutes:.1f} min, val {show(scored['val'])}; "
                f"general {show(scored['general'])}",
                flush=True,
            )
    return {"set": name, "epochs": options.epochs, "base": base, "arms": arms}


def report(result: dict[str, object]) -> str:
    """Means over the seeds, and the three bars."""
    base: dict[str, Run] = result["base"]  # type: ignore[assignment]
    arms: dict[str, list[dict[str, Run]]] = result["arms"]  # type: ignore[assignment]

    def mean(way: str, where: str, figure: str) -> float:
        return statistics.mean(run[where][figure] for run in arms[way])

    rows = [f"{result['set']}, case ignored, {len(arms['with'])} seeds; exact match"]
    rows.append(
        f"  {'base':28s} val {base['val']['exact_match']:.1%} (without spaces "
        f"{base['val']['exact_match_no_space']:.1%}), general {base['general']['exact_match']:.1%}"
    )
    minutes = {way: statistics.mean(run["minutes"] for run in runs) for way, runs in arms.items()}  # type: ignore[type-var]
    for way in arms:
        rows.append(
            f"  {way + ' replay and guard':28s} val {mean(way, 'val', 'exact_match'):.1%} (without spaces "
            f"{mean(way, 'val', 'exact_match_no_space'):.1%}), general "
            f"{mean(way, 'general', 'exact_match'):.1%}, {minutes[way]:.1f} min"
        )
    lost = base["general"]["exact_match"] - mean("with", "general", "exact_match")
    missed = mean("without", "val", "exact_match") - mean("with", "val", "exact_match")
    times = minutes["with"] / minutes["without"]
    for what, value, most in (
        ("general lines lost", lost, MOST_LOST),
        ("gain on the material missed", missed, MOST_MISSED),
    ):
        verdict = "reached" if value <= most else "MISSED"
        rows.append(f"  {what}: {100 * value:+.2f} points, at most {100 * most:g}: {verdict}")
    rows.append(
        f"  time: {times:.2f} times, at most {MOST_TIME}: {'reached' if times <= MOST_TIME else 'MISSED'}"
    )
    return "\n".join(rows)


if __name__ == "__main__":
    main()

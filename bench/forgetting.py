"""What fine-tuning loses of general print, with replay and guard and without: `ocrtune train --vocab keep`.

    python bench/forgetting.py receipts-1000 --data ../shared/real --general ../shared/general --fonts FOLDER

DIR holds `receipts` with `train` and `val`, as for `bench/finetune.py`; GENERAL is a set of general lines
that neither trains nor validates nor guards: it is scored before and after, and nothing else. The lines that
are replayed and that guard are drawn in the fonts of FOLDER, which must not be those of the general set.
Both runs have the same seed and options but for `--replay` and `--guard`. Lines are scored as they are, with
case ignored (as labels of receipts do), and with spaces ignored too: spaces gained hide letters lost.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from commands import call, first_lines, machine, score_general, show_general

SETS = {"receipts-1000": ("receipts", 1000), "receipts-300": ("receipts", 300)}
"""Folder, and how many of its first lines train."""

MOST_LOST = 0.005
"""Share of general lines."""
MOST_MISSED = 0.005
"""Of what is gained on the material without replay and guard."""
MOST_TIME = 2.5
"""Times that of a run without."""


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


def measure(name: str, options: argparse.Namespace, runs: Path) -> dict[str, Any]:
    """Score the base, then train and score both ways with each seed."""
    folder, count = SETS[name]
    sets = {"val": options.data / folder / "val", "general": options.general}
    train = first_lines(options.data / folder / "train", count, runs / f"{name}-train.txt")
    base = {where: score_general("ppocrv6-small", data) for where, data in sets.items()}
    for where in sets:
        print(f"{name}, base, {where}: {show_general(base[where])}", flush=True)
    ways = {
        "with": ["--replay", "auto", "--guard", "auto", "--fonts", str(options.fonts)],
        "without": ["--replay", "none", "--guard", "none"],
    }
    arms: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for seed in range(options.seeds):
        for way, given in ways.items():
            run = runs / f"{name}-{way}-{seed}"
            begun = time.perf_counter()
            call(
                "train", "--train", str(train), "--val", str(sets["val"]), "--vocab", "keep", *given,
                *(["--epochs", str(options.epochs)] if options.epochs else []),
                "-o", str(run), "--seed", str(seed), "--overwrite",
            )  # fmt: skip
            minutes = (time.perf_counter() - begun) / 60
            scored = {where: score_general(str(run), data) for where, data in sets.items()}
            arms[way].append({"seed": seed, "minutes": minutes, **scored})
            for where in sets:
                print(
                    f"{name}, {way} replay and guard, seed {seed}, {minutes:.1f} min, {where}: "
                    f"{show_general(scored[where])}",
                    flush=True,
                )
    return {"set": name, "epochs": options.epochs, "base": base, "arms": arms}


def report(result: dict[str, Any]) -> str:
    """Means over the seeds, and the bars."""
    base, arms = result["base"], result["arms"]
    rows = [f"{result['set']}, means of {len(arms['with'])} seeds, epochs: {result['epochs'] or 'as chosen'}"]
    minutes = {way: statistics.mean(run["minutes"] for run in runs) for way, runs in arms.items()}
    mean = {
        way: {
            where: {name: statistics.mean(run[where][name] for run in runs) for name in base[where]}
            for where in base
        }
        for way, runs in arms.items()
    }
    for where in base:
        rows.append(f"  {where + ', base':40s} {show_general(base[where])}")
        rows += [
            f"  {f'{where}, {way} replay and guard':40s} {show_general(mean[way][where])}, "
            f"{minutes[way]:.1f} min"
            for way in arms
        ]
    bars = [
        (f"general lines lost ({name})", base["general"][name] - mean["with"]["general"][name], MOST_LOST)
        for name in base["general"]
    ]
    missed = mean["without"]["val"]["no_case"] - mean["with"]["val"]["no_case"]
    bars.append(("gain on the material missed (no_case)", missed, MOST_MISSED))
    for what, value, most in bars:
        verdict = "reached" if value <= most else "MISSED"
        rows.append(f"  {what}: {100 * value:+.2f} points, at most {100 * most:g}: {verdict}")
    times = minutes["with"] / minutes["without"]
    verdict = "reached" if times <= MOST_TIME else "MISSED"
    rows.append(f"  time: {times:.2f} times, at most {MOST_TIME}: {verdict}")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

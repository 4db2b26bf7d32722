"""What images without labels are worth: training in rounds on plates, of which a fifth is labelled.

    python bench/rounds.py --data ../shared/real
    python bench/rounds.py --data ../shared/real --labelled 100 --made 4000 --weight 5 --json rounds.json

Trains on the first plates with their labels and on lines made like them; the other training images come
as `--unlabelled`. The readings that come in are compared with the labels that were kept back, which tells
whether as many are right as the rounds say. Scored on the real validation lines, which also choose how sure a
reading must be and which rounds are kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from commands import call, evaluate, first_lines, machine, show
from zero_label import SETS, make_like_theirs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with plates")
    parser.add_argument("--labelled", type=int, default=100, help="plates whose label is used")
    parser.add_argument("--made", type=int, default=4000, help="made lines")
    parser.add_argument("--weight", type=int, default=5, help="visits of a labelled plate in an epoch")
    parser.add_argument("--epochs", type=int, help="of each round, instead of the recipe's")
    parser.add_argument(
        "--runs", type=Path, help="keep made lines and run folders here; made ones are used again"
    )
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        result = measure(options, options.runs or Path(temporary))
    print(report(result))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "result": result}, indent=1))


def measure(options: argparse.Namespace, runs: Path) -> dict[str, Any]:
    """Train in rounds; what came in, what of it was right, and the scores."""
    train, val = options.data / "plates/train", options.data / "plates/val"
    labelled = first_lines(train, options.labelled, runs / "labelled.txt")
    rows = (train / "labels.txt").read_text(encoding="utf-8").splitlines()[options.labelled :]
    truth = dict(row.split("\t") for row in rows)
    unlabelled = runs / "unlabelled"
    shutil.rmtree(unlabelled, ignore_errors=True)
    for name in truth:
        target = unlabelled / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(train / name, target)
    made = runs / "made-licence-plate"
    if not made.exists():
        (made,) = make_like_theirs(SETS["plates"], runs / "made", 0, options.made, train / "images")
    begun = time.perf_counter()
    call(
        "train", "--train", f"{labelled}@{options.weight}", "--train", str(made), "--val", str(val),
        "--unlabelled", str(unlabelled), "-o", str(runs / "rounds"), "--overwrite",
        *(["--epochs", str(options.epochs)] if options.epochs else []),
    )  # fmt: skip
    minutes = (time.perf_counter() - begun) / 60
    rounds = json.loads((runs / "rounds/rounds.json").read_text(encoding="utf-8"))["rounds"]
    for row in rounds:
        taken = runs / f"rounds/taken-{row['number']}.txt"
        if row["taken"]:
            readings = [line.split("\t") for line in taken.read_text(encoding="utf-8").splitlines()]
            row["right"] = sum(
                truth[Path(path).relative_to(unlabelled.resolve()).as_posix()] == text
                for path, text in readings
            )
    return {
        "unlabelled": len(truth),
        "minutes": minutes,
        "rounds": rounds,
        "labelled and made": evaluate(str(runs / "rounds/round-0"), val, ignore_case=False),
        "with rounds": evaluate(str(runs / "rounds"), val, ignore_case=False),
    }


def report(result: dict[str, Any]) -> str:
    """A row for each round, and the scores of the first and the last."""
    rows = []
    for row in result["rounds"]:
        came = "labelled and made lines"
        if row["taken"]:
            trust = row["trust"]
            said = (trust["right"] + 1) / (trust["lines"] + 2)
            came = (
                f"{row['taken']} of {result['unlabelled']} came in from {trust['confidence']:.3f} on, "
                f"said to be right {said:.1%}, are {row['right'] / row['taken']:.1%}"
            )
        rows.append(f"round {row['number']}: {came}; exact {row['exact_match']:.1%}, kept: {row['kept']}")
    for arm in ("labelled and made", "with rounds"):
        rows.append(f"{arm}: {show(result[arm])}")
    return "\n".join([*rows, f"to reach: >= 93 % exact; {result['minutes']:.1f} min"])


if __name__ == "__main__":
    main()

"""Fine-tuning on real lines as a user would: `ocrtune train` with defaults, whole process, then `eval`.

    python bench/finetune.py plates --data ../shared/real
    python bench/finetune.py receipts-1000 receipts typewritten --data ../shared/real

DIR holds `receipts`, `plates` and `typewritten`, each with `train` and `val` folders of `images/`
and `labels.txt`. Prints a table and, with --json, the same figures to a file.
"""

from __future__ import annotations

import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from commands import FIGURES, call, cut_base, evaluate, first_lines, run_sets, show


@dataclass(frozen=True)
class Set:
    """A benchmark: which lines, how many, how scored, and what it must reach."""

    folder: str
    limit: int | None
    ignore_case: bool
    seeds: int
    figure: str
    bar: str


SETS = {
    "plates": Set("plates", None, False, 3, "exact_match", ">= 98 % in 3 min"),
    "receipts-1000": Set("receipts", 1000, True, 1, "exact_match_no_space", ">= 93 % in 5 min"),
    "receipts": Set("receipts", None, True, 1, "exact_match_no_space", ">= 95.5 % in 30 min"),
    "typewritten": Set("typewritten", None, True, 1, "cer", "<= 2 % in 20 min"),
}


def main() -> None:
    run_sets(__doc__, SETS, measure, report)


def measure(name: str, data: Path, runs: Path, seeds: int | None) -> dict[str, object]:
    """Score the base as it is and cut, then train and score with each seed."""
    which = SETS[name]
    train, val = data / which.folder / "train", data / which.folder / "val"
    if which.limit is not None:
        train = first_lines(train, which.limit, runs / f"{name}-train.txt")
    as_is = evaluate("ppocrv6-small", val, which.ignore_case)
    cut = evaluate(
        str(cut_base(["--train", str(train), "--val", str(val)], runs / f"{name}-cut")),
        val,
        which.ignore_case,
    )
    tuned = []
    for seed in range(seeds or which.seeds):
        run = runs / f"{name}-{seed}"
        begun = time.perf_counter()
        call(
            "train",
            "--train",
            str(train),
            "--val",
            str(val),
            "-o",
            str(run),
            "--seed",
            str(seed),
            "--overwrite",
        )
        minutes = (time.perf_counter() - begun) / 60
        figures = evaluate(str(run), val, which.ignore_case)
        tuned.append({"seed": seed, "minutes": minutes, **figures})
        print(f"{name} seed {seed}: {minutes:.1f} min, {show(figures)}", flush=True)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # KiB on Linux
    return {"set": name, "as_is": as_is, "cut": cut, "tuned": tuned, "peak_gib": memory, "bar": which.bar}


def report(result: dict[str, object]) -> str:
    """The table of one set."""
    tuned: list[dict[str, float]] = result["tuned"]  # type: ignore[assignment]
    mean = {name: statistics.mean(t[name] for t in tuned) for name in FIGURES}
    main_figure = SETS[str(result["set"])].figure
    values = [t[main_figure] for t in tuned]
    return "\n".join(
        (
            f"{result['set']}{', case ignored' if SETS[str(result['set'])].ignore_case else ''}",
            f"  base as it is  {show(result['as_is'])}",  # type: ignore[arg-type]
            f"  base, cut      {show(result['cut'])}",  # type: ignore[arg-type]
            f"  fine-tuned     {show(mean)} (mean of {len(tuned)} seeds; "
            f"{main_figure} {min(values):.2%} to {max(values):.2%})",
            f"  in             {max(t['minutes'] for t in tuned):.1f} min at most; "
            f"peak memory {result['peak_gib']:.2f} GiB; to reach: {result['bar']}",
        )
    )


if __name__ == "__main__":
    main()

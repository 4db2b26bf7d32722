"""What a run that was killed resumes to, against one that was left alone.

    python bench/kill.py
    python bench/kill.py --kills 30 --seed 1 --json kill.json

Makes receipt lines, trains on them once undisturbed, then once for each kill: SIGKILL to all processes of the
run, every second one at a random time between its start and its end, the others when a random file of it is
just being written. Each is then resumed, or begun anew where it had saved nothing yet, as its messages say.
What counts as the same: every figure of `metrics.jsonl` but times, the weights in `best` and `last`, the
metrics of `best`, and network, average and optimiser in `state`, all bit for bit. One that differs makes the
command end with 1.

States are saved every two seconds instead of every five minutes, so that a short run is resumed from the
middle of an epoch too. Only made lines validate, so the runs end with the way back to the base.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from commands import call, machine

OCRTUNE = (
    "import sys, ocrtune.train.run as run; from ocrtune.cli import main; "
    "run.STATE_EVERY = 2.0; sys.exit(main(sys.argv[1:]))"
)
TEXTS = r"(MILK|BREAD|BUTTER|COFFEE|APPLES) {1,3}\d{1,2}\.\d\d"
TIMES = {"seconds", "lines_per_second"}
"""Of a row of `metrics.jsonl`: they differ between any two runs."""
WRITINGS = (".state-", ".last-", ".best-", ".export-", ".metrics.jsonl-", ".curves.png-")
"""How names of what is being written begin."""


@dataclass(frozen=True)
class Moment:
    """When a run is killed."""

    seconds: float
    """From its start, or from when a file of `writing` is seen."""
    writing: str = ""
    """Beginning of the name of a file that is being written."""
    number: int = 1
    """Which of such files, by time."""

    def __str__(self) -> str:
        if not self.writing:
            return f"{self.seconds:.2f} s after the start"
        return f"{1000 * self.seconds:.0f} ms after the {self.number}. {self.writing}*"

    def come(self, process: subprocess.Popen[bytes], run: Path) -> bool:
        """Wait for it; False if the process ended before."""
        seen: set[str] = set()
        deadline = time.monotonic() + self.seconds if not self.writing else float("inf")
        while process.poll() is None:
            if time.monotonic() >= deadline:
                return True
            if self.writing and run.exists() and deadline == float("inf"):
                seen |= {path.name for path in run.glob(f"{self.writing}*")}
                if len(seen) >= self.number:
                    deadline = time.monotonic() + self.seconds
            time.sleep(0.001)
        return False


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--lines", type=int, default=48, help="to train on; half as many validate")
    parser.add_argument("--json", type=Path, help="write what happened to this file")
    options = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), options.kills, options.seed, options.lines)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))
    same = sum(not result["differs"] for result in results)
    print(f"{same} of {len(results)} killed runs ended as the one that was left alone")
    sys.exit(same < len(results))


def measure(folder: Path, kills: int, seed: int, lines: int) -> list[dict[str, Any]]:
    """Kill and resume; what each kill met, and in what the end differs."""
    for name, count, of in (("train", lines, 1), ("val", lines // 2, 2)):
        look = ("--profile", "receipt-thermal", "--seed", str(of))
        call("synth", "--regex", TEXTS, *look, "-n", str(count), "-o", str(folder / name))
    options = [
        *("--train", str(folder / "train"), "--val", str(folder / "val")),
        *("--epochs", "2", "--batch-size", "2"),
    ]
    begun = time.monotonic()
    train([*options, "-o", str(folder / "alone")], folder)
    seconds = time.monotonic() - begun
    expected = outcome(folder / "alone")
    print(f"left alone: {seconds:.0f} s, {len(expected['figures'])} validations", flush=True)
    generator = random.Random(seed)
    results: list[dict[str, Any]] = []
    while len(results) < kills:
        moment = Moment(generator.uniform(0, seconds))
        if len(results) % 2:
            moment = Moment(generator.uniform(0, 0.03), generator.choice(WRITINGS), generator.randint(1, 4))
        run = folder / f"killed-{len(results)}"
        with spawn([*options, "-o", str(run)], folder) as process:
            if not moment.come(process, run):
                print(f"{moment}: it had ended before; drawn anew", flush=True)
                shutil.rmtree(run)
                continue
            os.killpg(process.pid, signal.SIGKILL)
        said = (folder / "log").read_text(encoding="utf-8").splitlines()
        left = sorted(path.name for path in run.glob(".*"))
        way = go_on(options, run, folder)
        differs = [name for name, value in outcome(run).items() if value != expected[name]]
        result = {"moment": str(moment), "said": said[-1:], "left": left, "way": way, "differs": differs}
        results.append(result)
        print(
            f"{moment}, when it had said {' '.join(said[-1:])[:60]!r}; "
            f"half-written: {', '.join(left) or '-'}; {way}; "
            f"{'DIFFERS: ' + ', '.join(differs) if differs else 'the same'}",
            flush=True,
        )
    return results


def spawn(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start `ocrtune train` in a process group of its own; what it says goes to `log`."""
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-u", "-c", OCRTUNE, "train", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def train(arguments: list[str], folder: Path) -> None:
    """Run `ocrtune train` to its end."""
    if spawn(arguments, folder).wait():
        sys.exit(f"ocrtune train {' '.join(arguments)}\n{(folder / 'log').read_text(encoding='utf-8')}")


def go_on(options: list[str], run: Path, folder: Path) -> str:
    """Resume a killed run as a user would, and say how."""
    if (run / "state").exists() or (run / ".state-old").exists():
        train(["--resume", "-o", str(run)], folder)
        log = (folder / "log").read_text(encoding="utf-8").splitlines()
        return next(line for line in log if line.startswith("resumed after"))
    train([*options, "-o", str(run), "--overwrite"], folder)
    return "begun anew"


def outcome(run: Path) -> dict[str, Any]:
    """What must be the same."""
    rows = [json.loads(row) for row in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    recipe = json.loads((run / "recipe.json").read_text(encoding="utf-8"))
    state = torch.load(run / "state" / "state.pt", weights_only=True)
    return {
        "precision": (recipe["precision"], recipe["channels_last"]),
        "figures": [{name: row[name] for name in row.keys() - TIMES} for row in rows],
        "metrics of best": json.loads((run / "best/model.json").read_text(encoding="utf-8"))["metrics"],
        **{
            f"weights of {name}": file_digest(run / name / "weights.safetensors") for name in ("best", "last")
        },
        **{name: tensor_digest(state[name]) for name in ("network", "average", "optimizer")},
        "left over": [path.name for path in run.glob(".*")],
    }


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tensor_digest(value: object) -> str:
    """SHA-256 of all tensors and numbers in nested mappings and lists."""
    digest = hashlib.sha256()

    def add(part: object) -> None:
        if isinstance(part, dict):
            for key in part:
                digest.update(repr(key).encode())
                add(part[key])
        elif isinstance(part, (list, tuple)):
            for item in part:
                add(item)
        elif isinstance(part, torch.Tensor):
            digest.update(part.reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            digest.update(repr(part).encode())

    add(value)
    return digest.hexdigest()


if __name__ == "__main__":
    main()

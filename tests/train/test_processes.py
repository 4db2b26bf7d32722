"""Training by two processes, as `torchrun` or `accelerate launch` start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LAUNCHED = """
import sys
from ocrtune.cli import main
from ocrtune.train import recipe
recipe.probe_speeds = lambda *_: [recipe.Speed("fp32", False, 100.0)]
sys.exit(main(sys.argv[1:]))
"""
"""Runs that are compared must compute alike; the probe of a busy machine answers as it likes."""


@pytest.mark.slow
@pytest.mark.parametrize("is_guarded", [False, True], ids=["material alone", "with replay and guard"])
def test_two_processes_learn_what_one_does(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, is_guarded: bool
) -> None:
    """The same command: the same batches, each line once, the same losses; and only one of them writes."""
    general = ["--vocab", "keep", "--replay", str(digit_lines), "--guard", str(digit_lines)]
    arguments = [
        *("train", "--train", str(digit_lines), "--val", str(digit_lines), "--base", str(tiny_base)),
        *("--device", "cpu", "--epochs", "2", "--batch-size", "2", "--lr", "1e-3", "--max-bad", "0.2"),
        *(general if is_guarded else []),
    ]
    program = tmp_path / "launched.py"
    program.write_text(LAUNCHED, encoding="utf-8")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    figures = []
    for processes in (1, 2):
        run = tmp_path / str(processes)
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"),
            *(str(program), *arguments, "-o", str(run)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.count("Epoch 2/2") == 1
        figures.append([json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()])
        manifest = json.loads((run / "last/model.json").read_text(encoding="utf-8"))
        assert manifest["training"]["position"]["visits"] == 2 * 24
    one, two = figures
    assert [row["epoch"] for row in two] == [0.0, 1.0, 2.0]
    names = ["step", "loss", "cer", "val_loss", "val_cer", "val_exact_match"]
    for name in [*names, "replay_loss", "guard_exact_match"] if is_guarded else names:
        trained = [[row[name] for row in rows[1:]] for rows in figures]
        assert trained[1] == pytest.approx(trained[0], rel=1e-4), name
    assert two[0] | {"seconds": 0} == one[0] | {"seconds": 0}

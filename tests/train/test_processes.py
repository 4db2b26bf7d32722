"""Training by two processes, as `torchrun` or `accelerate launch` start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_two_processes_train_all_lines_once_and_write_one_run(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """Both see half of the lines, agree on every step, and only the first one writes."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
        *("-m", "ocrtune", "train", "--train", str(digit_lines), "--val", str(digit_lines)),
        *("--base", str(tiny_base), "-o", str(tmp_path / "run"), "--device", "cpu"),
        *("--epochs", "2", "--batch-size", "2", "--max-bad", "0.2"),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Epoch 2/2") == 1
    rows = [json.loads(row) for row in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [0.0, 1.0, 2.0]
    manifest = json.loads((tmp_path / "run/last/model.json").read_text(encoding="utf-8"))
    assert manifest["training"]["position"]["visits"] == 2 * 24

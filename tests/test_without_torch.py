"""Reading, data and evaluation on a machine that has no torch: who only reads need not install it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITHOUT_TORCH = """
import sys
for name in ("torch", "accelerate", "onnx", "onnxscript"):
    sys.modules[name] = None  # importing it fails, looking for it finds nothing
from ocrtune.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_lines_are_read_packed_and_measured(block_onnx: Path, block_lines: Path, tmp_path: Path) -> None:
    read = run("read", "--lines", block_lines, "-m", block_onnx)
    assert (read.returncode, read.stderr) == (0, "")
    assert [line.split("\t")[1] for line in read.stdout.splitlines()] == ["abc", "a b", "bab", "c"]
    packed = run("data", "pack", block_lines, "-o", tmp_path / "packed")
    assert packed.returncode == 0, packed.stderr
    measured = run("eval", block_onnx, "--data", tmp_path / "packed")
    assert measured.returncode == 0, measured.stderr
    assert "Accuracy (exact match): 75.00%" in measured.stdout


def test_the_base_reads(block_lines: Path) -> None:
    assert run("read", "--lines", block_lines / "0.png").returncode == 0


def test_training_says_what_to_install(block_lines: Path, tmp_path: Path) -> None:
    for arguments in (
        ("train", "--train", block_lines, "-o", tmp_path / "run"),
        ("export", "ppocrv6-small", "--to", "onnx", "-o", tmp_path / "model.onnx"),
        ("quickstart", "-o", tmp_path / "quickstart"),
        ("retrain", "--from-corrections", tmp_path / "corrections.db", "-o", tmp_path / "round-1"),
    ):
        result = run(*arguments)
        assert result.returncode == 2
        assert result.stderr == (
            "ocrtune: error: training needs torch, accelerate, onnx, onnxscript: "
            "pip install 'ocrtune[train]'\n"
        )


def test_help_imports_no_stage() -> None:
    """`--help` answers at once because numpy, OpenCV, pydantic and the runtime are left for later."""
    code = (
        "import sys; from ocrtune.cli import main; main(['--help']); "
        "print(sorted({'numpy', 'cv2', 'onnxruntime', 'pydantic', 'torch'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"

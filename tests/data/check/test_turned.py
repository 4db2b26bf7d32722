"""Crops that are upside down or on their side, told by a model whose every probability is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.cli import main
from ocrtune.records import Image

Draw = Callable[[str], Image]


def write(folder: Path, lines: dict[str, tuple[Image, str]]) -> Path:
    folder.mkdir()
    for name, (image, _) in lines.items():
        cv2.imwrite(str(folder / name), image)
    labels = "".join(f"{name}\t{label}\n" for name, (_, label) in lines.items())
    (folder / "labels.txt").write_text(labels, encoding="utf-8")
    return folder


def turned(model: Path, folder: Path, *options: str) -> tuple[dict[str, list[str]], int]:
    """Lines that a check calls upside down and sideways, and how many were read."""
    audit = folder.with_name("audit.json")
    command = ["data", "check", str(folder), "--rare", "0", "-m", str(model), *options]
    main([*command, "--json", str(audit), "--overwrite"])
    content = json.loads(audit.read_text(encoding="utf-8"))
    lines = {finding["name"]: finding["lines"] for finding in content["findings"]}
    return {name: lines.get(name, []) for name in ("upside down", "sideways")}, content["lines_read"]


def test_a_crop_that_is_read_better_when_turned_is_told(
    block_onnx: Path, tmp_path: Path, draw_blocks: Draw
) -> None:
    # Turned by 180 degrees, the blocks stand in the opposite order, each after its black one.
    folder = write(
        tmp_path / "set",
        {
            "fine.png": (draw_blocks("abc"), "abc"),
            "over.png": (np.rot90(draw_blocks("aabc"), 2), "aabc"),
            "left.png": (np.rot90(draw_blocks("abc")), "abc"),
            "right.png": (np.rot90(draw_blocks("cba"), 3), "CBA"),  # case does not count
            "palindrome.png": (np.rot90(draw_blocks("aba"), 2), "aba"),
            "wrong.png": (draw_blocks("abc"), "ccc"),  # neither way
        },
    )
    found, read = turned(block_onnx, folder)
    assert found == {
        "upside down": [f"{folder}/labels.txt:2"],
        "sideways": [f"{folder}/labels.txt:3", f"{folder}/labels.txt:4"],
    }
    assert read == 6


def test_only_so_many_lines_are_read(block_onnx: Path, tmp_path: Path, draw_blocks: Draw) -> None:
    image = np.rot90(draw_blocks("abc"), 2)
    folder = write(tmp_path / "set", {f"{i}.png": (image, "abc") for i in range(9)})
    found, read = turned(block_onnx, folder, "--read", "3")
    assert (found["upside down"], read) == ([f"{folder}/labels.txt:{row}" for row in (1, 5, 9)], 3)
    found, read = turned(block_onnx, folder, "--read", "0")
    assert (found["upside down"], read) == ([], 0)


def test_a_crop_that_is_sideways_by_its_shape_counts_once(
    block_onnx: Path, tmp_path: Path, draw_blocks: Draw
) -> None:
    folder = write(tmp_path / "set", {"a.png": (np.rot90(draw_blocks("abca")), "abca")})
    assert turned(block_onnx, folder)[0]["sideways"] == [f"{folder}/labels.txt:1"]


def test_a_negative_number_of_lines_is_refused(
    block_onnx: Path, block_lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "check", str(block_lines), "-m", str(block_onnx), "--read", "-1"]) == 2
    assert "--read -1: give a number of lines" in capsys.readouterr().err

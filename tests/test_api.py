"""The Python API of reading, as the README shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import ocrtune
from ocrtune.errors import InputError
from ocrtune.records import Image


def test_arrays_and_paths_read_the_same(
    block_onnx: Path, block_lines: Path, draw_blocks: Callable[[str], Image]
) -> None:
    reader = ocrtune.load(block_onnx)
    grey = draw_blocks("cab")
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    lines = reader.read_lines([grey, rgb, block_lines / "0.png", str(block_lines / "1.png")])
    assert [line.text for line in lines] == ["cab", "cab", "abc", "a b"]
    assert reader.manifest.name == "blocks"


def test_a_missing_file_is_named(block_onnx: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png"):
        ocrtune.load(block_onnx).read_lines([tmp_path / "gone.png"])


def test_one_broken_file_does_not_keep_the_others_from_being_read(
    block_onnx: Path, tmp_path: Path, draw_blocks: Callable[[str], Image]
) -> None:
    """More files than are in memory at once, a broken one at each end."""
    files = [tmp_path / f"{i}.png" for i in range(70)]
    for i, file in enumerate(files):
        cv2.imwrite(str(file), draw_blocks("ab" if i % 2 else "c"))
    for broken in (files[0], files[69]):
        broken.write_bytes(b"x")
    calls: list[tuple[int, int]] = []
    readings = ocrtune.load(block_onnx).read_files(files, lambda done, total: calls.append((done, total)))
    assert [reading.path for reading in readings] == files
    texts = [None if reading.prediction is None else reading.prediction.text for reading in readings]
    assert texts == [None, *("ab" if i % 2 else "c" for i in range(1, 69)), None]
    assert "broken image" in str(readings[0].error)
    assert calls == [(64, 70), (70, 70)]


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = ocrtune.nope  # type: ignore[attr-defined]

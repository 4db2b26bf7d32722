"""Tiny datasets that the data tests make for themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest


def png(seed: int = 0, height: int = 16, width: int = 40) -> bytes:
    """A grey PNG whose pixels depend on `seed`."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(name="png")
def png_fixture() -> Callable[..., bytes]:
    """`png(seed, height, width)`."""
    return png


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[[str, Sequence[str]], Path]:
    """Write a folder with `labels.txt`: line i has the image `images/i.png`, of content i."""

    def make(name: str, texts: Sequence[str]) -> Path:
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True)
        for i in range(len(texts)):
            (folder / f"images/{i}.png").write_bytes(png(i))
        labels = "".join(f"images/{i}.png\t{text}\n" for i, text in enumerate(texts))
        (folder / "labels.txt").write_text(labels, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def make_lmdb(tmp_path: Path) -> Callable[[str, Mapping[str, bytes]], Path]:
    """Write an LMDB with exactly the given records."""

    def make(name: str, records: Mapping[str, bytes]) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        with lmdb.open(str(folder), lock=False) as environment, environment.begin(write=True) as transaction:
            for key, value in records.items():
                transaction.put(key.encode(), value)
        return folder

    return make

"""Lines that tests draw and break."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.records import Image

Rows = dict[str, tuple[str, bytes | None]]
"""Image name to its text and file; None for a file that is not there."""

GOOD_TEXTS = (
    "TOTAL", "CASH", "CHANGE", "THANK YOU", "12.50", "RM 3.90", "TABLE 7", "MILK 1L", "BREAD", "ITEMS: 4",
    "VISA", "NO 122",
)  # fmt: skip


class Desk:
    """Draws lines and writes datasets into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def draw(self, text: str, height: int = 40, paper: int = 235, ink: int = 25) -> Image:
        """A grey line of print: (height, W)."""
        image = np.full((height, 24 + 17 * len(text)), paper, np.uint8)
        cv2.putText(image, text, (12, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.75, ink, 2, cv2.LINE_AA)
        return image

    def encode(self, image: Image, suffix: str = ".png", quality: int = 95) -> bytes:
        """The bytes of an image file."""
        options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
        return bytes(cv2.imencode(suffix, image, options)[1])

    def line(self, text: str, label: str | None = None) -> tuple[str, bytes]:
        """A row of a drawn text, labelled so or otherwise."""
        return text if label is None else label, self.encode(self.draw(text))

    def good(self) -> Rows:
        """Twelve lines without a fault."""
        return {f"good{i}.png": self.line(text) for i, text in enumerate(GOOD_TEXTS)}

    def write(self, name: str, rows: Mapping[str, tuple[str, bytes | None]]) -> Path:
        """A dataset folder."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        for image, (_, content) in rows.items():
            if content is not None:
                (folder / image).write_bytes(content)
        labels = "".join(f"{image}\t{text}\n" for image, (text, _) in rows.items())
        (folder / "labels.txt").write_bytes(labels.encode("utf-8"))
        return folder


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """In an empty folder."""
    return Desk(tmp_path)

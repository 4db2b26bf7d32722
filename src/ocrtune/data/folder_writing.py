"""Writes a dataset folder a line at a time: images byte for byte, and `labels.txt`."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from ocrtune.data.dataset import LABEL_FILE
from ocrtune.data.image_names import ImageNames
from ocrtune.data.label_file import LabelForm, split_line
from ocrtune.data.lines import EncodedImage


class FolderWriter:
    """Fills a folder with `images/` and `labels.txt`; use as a context manager.

    Args:
        folder: is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.lines = 0
        """Written so far."""
        self._folder = folder
        self._names = ImageNames()
        self._places: dict[str, str] = {}
        """Where an image was to where it is."""
        folder.mkdir(parents=True, exist_ok=True)
        self._labels = (folder / LABEL_FILE).open("w", encoding="utf-8", newline="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._labels.close()

    def add(self, name: str, text: str, content: bytes) -> bool:
        """Write a line; False, and nothing is written, where a label file cannot hold its text.

        Args:
            name: what the image was called; the new name is like it.
            text: the label.
            content: the encoded image.
        """
        return self._write(self._names.new(name, content), text, content)

    def copy(self, name: str, text: str, image: EncodedImage) -> bool:
        """The same for an image that is read here, once for all lines that show it.

        Raises:
            ImageError: it cannot be read.
        """
        if image.location in self._places:
            return self._write(self._places[image.location], text, None)
        content = image.read()
        place = self._names.new(name, content)
        written = self._write(place, text, content)
        if written:
            self._places[image.location] = place
        return written

    def _write(self, place: str, text: str, content: bytes | None) -> bool:
        row = label_row(place, text)
        if row is None:
            return False
        if content is not None:
            target = self._folder / place
            try:
                target.write_bytes(content)
            except FileNotFoundError:
                target.parent.mkdir(parents=True)
                target.write_bytes(content)
        self._labels.write(row)
        self.lines += 1
        return True


def label_row(place: str, text: str) -> str | None:
    """The line of a label file that is read as these two; None where there is none."""
    row = f"{place}\t{text}"
    if "\n" in row or "\\" in place or row.endswith("\r") or split_line(row, LabelForm.TAB) != (place, text):
        return None
    try:
        row.encode()
    except UnicodeEncodeError:  # a file name that is no Unicode
        return None
    return f"{row}\n"

"""The Python API of reading: `ocrtune.load(MODEL)` gives a `Reader`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ocrtune.bundle import Manifest
from ocrtune.data.images import ImageError, read_image
from ocrtune.data.page_files import read_pages
from ocrtune.errors import InputError
from ocrtune.reading.cleaning import Cleaning
from ocrtune.reading.files import FileReading
from ocrtune.reading.models import find_model
from ocrtune.reading.page_reader import AS_IT_IS, PageReader
from ocrtune.reading.page_texts import PageReading
from ocrtune.reading.recognizer import OnnxRecognizer, Recognizer
from ocrtune.records import Image, Page, Prediction

CHUNK = 64
"""Image files in memory at once."""


def load(model: str | Path | None = None) -> Reader:
    """Load MODEL: a base's name, a run folder, a bundle or an ONNX file; None is the base.

    Raises:
        InputError: there is no such model, or it is damaged.
    """
    found = find_model(model)
    return Reader(OnnxRecognizer(found.manifest, found.onnx_path))


class Reader:
    """Reads images with one model. Safe to use from several threads."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self._page_reader: PageReader | None = None
        self._lock = threading.Lock()

    @property
    def manifest(self) -> Manifest:
        """What the model reads and how it was made."""
        return self.recognizer.manifest

    @property
    def page_reader(self) -> PageReader:
        """Reads pages with this model; the detector is loaded when it is first asked for."""
        with self._lock:
            if self._page_reader is None:
                self._page_reader = PageReader(self.recognizer)
            return self._page_reader

    def read_page(self, image: Image | str | Path) -> Page:
        """Read a whole page: its lines in reading order, each with its place, text and confidence.

        Args:
            image: a uint8 array, (H, W) grey or (H, W, 3) RGB, or the path of an image or PDF, of which
                the first page is read.

        Raises:
            InputError: the image is missing, broken or not of this kind.
        """
        if isinstance(image, str | Path):
            image = next(read_pages(Path(image)))
        return self.page_reader.read(image)

    def read_pages(self, path: str | Path) -> Iterator[Page]:
        """Read every page of an image, multi-page TIFF or PDF, one after another.

        Raises:
            InputError: the file is missing or broken; a damaged page is met when it is reached.
        """
        return map(self.page_reader.read, read_pages(Path(path)))

    def read_page_files(
        self, paths: Sequence[Path], cleaning: Cleaning = AS_IT_IS
    ) -> Iterator[tuple[PageReading, Image | None]]:
        """Read every page of files, one after another; what is broken becomes an error in its place.

        Gives each page with its image, so that it can be drawn or cut; an error ends its file.

        Args:
            paths: images, multi-page TIFFs and PDFs, any number of them.
            cleaning: changes made to each page before it is read.
        """
        for path in paths:
            number = 0
            try:
                for number, image in enumerate(read_pages(path), start=1):
                    page = self.page_reader.read(image, cleaning)
                    yield PageReading(path, number, page), image
            except ImageError as error:
                yield PageReading(path, number + 1, None, str(error)), None

    def read_lines(self, images: Sequence[Image | str | Path]) -> list[Prediction]:
        """Read images that each show one line of text.

        Args:
            images: uint8 arrays, (H, W) grey or (H, W, 3) RGB (OpenCV gives BGR: turn it first), or
                paths of image files.

        Raises:
            InputError: an image is missing, broken or not of this kind.
        """
        decoded = [read_image(Path(image)) if isinstance(image, str | Path) else image for image in images]
        return self.recognizer.recognize(decoded)

    def read_files(
        self, paths: Sequence[Path], progress: Callable[[int, int], None] | None = None
    ) -> list[FileReading]:
        """Read files that each show one line; a broken one becomes an error in its place.

        Args:
            paths: the image files, any number of them.
            progress: called with (files done, files in all).
        """
        readings: list[FileReading] = []
        for first in range(0, len(paths), CHUNK):
            chunk = paths[first : first + CHUNK]
            images: list[Image] = []
            errors: dict[Path, str] = {}
            for path in chunk:
                try:
                    images.append(read_image(path))
                except InputError as error:
                    errors[path] = str(error)
            predictions = iter(self.recognizer.recognize(images))
            readings += [
                FileReading(path, None, errors[path])
                if path in errors
                else FileReading(path, next(predictions))
                for path in chunk
            ]
            if progress is not None:
                progress(len(readings), len(paths))
        return readings

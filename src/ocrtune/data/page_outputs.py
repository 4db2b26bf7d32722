"""The files that `ocrtune read` writes about pages: collected page by page, written when all are read."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image

from ocrtune.data.file_names import PageNames
from ocrtune.output import write_bytes, write_text
from ocrtune.reading.page_markup import alto, hocr
from ocrtune.reading.page_picture import draw_page
from ocrtune.reading.page_texts import PageReading, pages_csv
from ocrtune.reading.searchable_pdf import SearchablePdf
from ocrtune.records import Image


@dataclass
class PageOutputs:
    """Which files are wanted, and what goes into them."""

    csv: Path | None = None
    hocr: Path | None = None
    alto: Path | None = None
    """A folder, like `draw`: each page is a file of its own."""
    pdf: Path | None = None
    draw: Path | None = None
    overwrite: bool = False
    readings: list[PageReading] = field(default_factory=list)
    _document: SearchablePdf = field(default_factory=SearchablePdf)
    _names: PageNames = field(default_factory=PageNames)

    @property
    def is_silent(self) -> bool:
        """Whether no file holds the texts, so that they should be printed."""
        return not any((self.csv, self.hocr, self.alto, self.pdf))

    def add(self, reading: PageReading, image: Image | None) -> None:
        """Take what was read on a page, with its image; neither where the page could not be read.

        Raises:
            InputError: the disk refuses one of the files of this page.
        """
        self.readings.append(reading)
        if reading.page is None or image is None:
            return
        name = self._names.of(reading.path, reading.number)
        if self.pdf is not None:
            self._document.add(image, reading.page)
        if self.alto is not None:
            write_text(self.alto / f"{name}.xml", alto(reading), overwrite=self.overwrite)
        if self.draw is not None:
            file = io.BytesIO()
            PIL.Image.fromarray(draw_page(image, reading.page)).save(file, "PNG")
            write_bytes(self.draw / f"{name}.png", file.getvalue(), overwrite=self.overwrite)

    def write(self) -> None:
        """Write the files that hold all pages.

        Raises:
            InputError: the disk refuses.
        """
        if self.csv is not None:
            write_text(self.csv, pages_csv(self.readings), overwrite=self.overwrite)
        if self.hocr is not None:
            write_text(self.hocr, hocr(self.readings), overwrite=self.overwrite)
        if self.pdf is not None:
            write_bytes(self.pdf, self._document.content(), overwrite=self.overwrite)

"""The command `ocrtune read`: whole pages, or images that show one line each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ocrtune.cli import Model, Overwrite, print_error, progress_bar
from ocrtune.errors import InputError

if TYPE_CHECKING:
    from ocrtune.reading.files import FileReading

Change = Literal["gray", "shadow", "contrast", "deskew", "upscale"]


def read(
    *images: Path,
    model: Model = None,
    lines: bool = False,
    json: bool = False,
    csv: Path | None = None,
    hocr: Path | None = None,
    alto: Path | None = None,
    pdf: Path | None = None,
    draw: Path | None = None,
    clean: Annotated[tuple[Change, ...], Parameter(negative=())] = (),
    overwrite: Overwrite = False,
) -> int:
    """Read whole pages, or images of single lines, and print the texts.

    Args:
        images: Images, multi-page TIFFs and PDFs, or folders: what of these is in them, sorted by name.
        lines: Each image shows one line of text; prints path, text and confidence.
        json: Print JSON, with the place and confidence of every line and symbol.
        csv: File to write to instead of printing: a row for each row of a page, its columns in cells, or
            with --lines a row for each image.
        hocr: File to write hOCR to.
        alto: Folder to write ALTO XML to, a file for each page.
        pdf: File to write to: the page images with their texts, to search and copy from.
        draw: Folder to write pictures to that show the lines and what was read, one for each page.
        clean: Changes to make to pages first: gray, shadow, contrast, deskew, upscale. What they gain is in
            docs/pages.md.
    """
    from ocrtune.output import refuse_existing

    given = {"--csv": csv, "--hocr": hocr, "--alto": alto, "--pdf": pdf, "--draw": draw}
    for path in filter(None, given.values()):
        refuse_existing(path, overwrite=overwrite)
    if not lines:
        return _read_pages(images, model, json, given, clean, overwrite)
    for option in ("--hocr", "--alto", "--pdf", "--draw", "--clean"):
        if given.get(option) or (option == "--clean" and clean):
            raise InputError(f"{option} is for whole pages; leave --lines out, or {option}")
    return _read_lines(images, model, json, csv, overwrite)


def _read_pages(
    paths: Sequence[Path],
    model: str | None,
    json: bool,
    outputs: dict[str, Path | None],
    clean: Sequence[str],
    overwrite: bool,
) -> int:
    from ocrtune.api import load
    from ocrtune.data.page_outputs import PageOutputs
    from ocrtune.reading.cleaning import Cleaning
    from ocrtune.reading.files import PAGE_SUFFIXES, find_images
    from ocrtune.reading.page_texts import pages_json, pages_text

    files = find_images(paths, PAGE_SUFFIXES)
    reader = load(model)
    collected = PageOutputs(
        csv=outputs["--csv"], hocr=outputs["--hocr"], alto=outputs["--alto"], pdf=outputs["--pdf"],
        draw=outputs["--draw"], overwrite=overwrite,
    )  # fmt: skip
    with progress_bar("Reading") as progress:
        for reading, image in reader.read_page_files(files, Cleaning.of(clean)):
            collected.add(reading, image)
            if progress is not None:
                progress(files.index(reading.path), len(files))
    collected.write()
    if json:
        print(pages_json(collected.readings), end="")
    elif collected.is_silent:
        print(pages_text(collected.readings), end="")
    errors = [reading.error for reading in collected.readings if reading.error is not None]
    for error in errors:
        print_error(error)
    return InputError.exit_code if errors else 0


def _read_lines(
    paths: Sequence[Path], model: str | None, json: bool, csv: Path | None, overwrite: bool
) -> int:
    from ocrtune.api import load
    from ocrtune.output import write_text
    from ocrtune.reading.files import find_images, readings_csv, readings_json

    files = find_images(paths)
    reader = load(model)
    with progress_bar("Reading") as progress:
        readings = reader.read_files(files, progress)
    if json:
        print(readings_json(readings), end="")
    if csv is not None:
        write_text(csv, readings_csv(readings), overwrite=overwrite)
    elif not json:
        _print_readings(readings)
    broken = [reading.error for reading in readings if reading.error is not None]
    for error in broken:
        print_error(error)
    return InputError.exit_code if broken else 0


def _print_readings(readings: Sequence[FileReading]) -> None:
    """A table on a terminal, tab-separated values elsewhere; what could not be read is left out."""
    from ocrtune.reading.files import printable

    rows = [
        (
            printable(str(reading.path)),
            printable(reading.prediction.text),
            f"{reading.prediction.confidence:.3f}",
        )
        for reading in readings
        if reading.prediction is not None
    ]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Path", "Text", "Confidence")
    for row in rows:
        table.add_row(*map(Text, row))  # Text: square brackets that were read are no markup
    Console().print(table)

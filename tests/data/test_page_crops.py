"""Lines cut out of whole pages with their readings as labels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from ocrtune.api import Reader
from ocrtune.data.dataset import open_dataset
from ocrtune.data.groups import page_of
from ocrtune.data.page_crops import crop_pages
from ocrtune.errors import InputError
from ocrtune.records import Image

LINES = ["Harbour office, Bergen", "Invoice 2024-0187", "Total 1,204.50 EUR"]


@pytest.fixture
def scans(tmp_path: Path, text_page: Image) -> list[Path]:
    """A PNG, a TIFF of the same name with two pages, the second upside down, and one that is broken."""
    folder = tmp_path / "scans"
    (folder / "b").mkdir(parents=True)
    page = PIL.Image.fromarray(text_page)
    page.save(folder / "scan.png")
    page.save(folder / "b" / "scan.tif", save_all=True, append_images=[page.rotate(180)])
    (folder / "broken.jpg").write_bytes(b"x")
    return [folder / "scan.png", folder / "b" / "scan.tif", folder / "broken.jpg"]


@pytest.mark.slow
def test_crops_are_a_dataset_that_the_model_reads_as_labelled(
    base_reader: Reader, scans: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "crops"
    calls: list[tuple[int, int]] = []
    cropped = crop_pages(
        base_reader.page_reader, scans, out, progress=lambda done, total: calls.append((done, total))
    )
    assert (cropped.path, cropped.pages, cropped.lines, cropped.unread) == (out, 3, 9, 0)
    assert calls == [(1, 3), (2, 3), (3, 3)]
    dataset = open_dataset(str(out))
    assert [entry.text for entry in dataset.entries] == LINES * 3
    names = [entry.id for entry in dataset.entries]
    assert names[::3] == [f"images/{page}_line_001.png" for page in ("scan_p1", "scan-2_p1", "scan-2_p2")]
    assert [page_of(name) for name in names[::3]] == ["scan_p1", "scan-2_p1", "scan-2_p2"]
    read = base_reader.read_lines([out / name for name in names])
    assert [line.text for line in read] == LINES * 3


def test_every_crop_says_where_it_came_from(base_reader: Reader, scans: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "crops"
    cropped = crop_pages(base_reader.page_reader, scans[1:], out)
    with (out / "lines.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["page"], row["number"]) for row in rows] == [(str(scans[1]), "1")] * 3 + [
        (str(scans[1]), "2")
    ] * 3
    assert all(float(row["confidence"]) > 0.95 for row in rows)
    first, turned = (
        np.array([point.split(",") for point in row["box"].split()], float) for row in (rows[0], rows[3])
    )
    # The second page is the first one turned on its head.
    assert turned == pytest.approx(np.array((480, 240)) - first, abs=0.2)
    assert [reject.detail for reject in cropped.rejects] == ["none of JPEG, PNG, BMP, WEBP, TIFF, GIF, PPM"]
    assert "broken.jpg" in (out / "skipped.tsv").read_text(encoding="utf-8")


def test_an_output_is_overwritten_only_where_it_was_made(
    base_reader: Reader, scans: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "crops"
    crop_pages(base_reader.page_reader, scans[:1], out)
    with pytest.raises(InputError, match="exists already"):
        crop_pages(base_reader.page_reader, scans[:1], out)
    assert crop_pages(base_reader.page_reader, scans[:1], out, overwrite=True).lines == 3
    (out / "diary.txt").write_text("mine")
    with pytest.raises(InputError, match="holds more than crops"):
        crop_pages(base_reader.page_reader, scans[:1], out, overwrite=True)


def test_pages_without_a_line_make_no_folder(base_reader: Reader, tmp_path: Path) -> None:
    PIL.Image.new("L", (100, 80), 255).save(tmp_path / "blank.png")
    with pytest.raises(InputError, match="no line of text was found"):
        crop_pages(base_reader.page_reader, [tmp_path / "blank.png"], tmp_path / "out")
    assert not (tmp_path / "out").exists()

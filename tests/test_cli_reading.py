"""`ocrtune read` on whole pages and `ocrtune data crop`, as a user types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import PIL.Image
import pypdfium2
import pytest

from ocrtune.cli import main
from ocrtune.records import Image

TEXT = "Harbour office, Bergen\nInvoice 2024-0187\nTotal 1,204.50 EUR"


@pytest.fixture
def folder(tmp_path: Path, text_page: Image) -> Path:
    """A JPEG on its side by its EXIF tag, and a PDF of two pages."""
    pages = tmp_path / "pages"
    pages.mkdir()
    page = PIL.Image.fromarray(text_page)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    page.rotate(90, expand=True).save(pages / "a.jpg", exif=exif, quality=95)
    large = page.resize((960, 480), PIL.Image.Resampling.BICUBIC)
    large.save(pages / "b.pdf", save_all=True, append_images=[large], resolution=200)
    (pages / "notes.txt").write_text("no page")
    return pages


def test_texts_are_printed_page_by_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(folder)]) == 0
    a, b = folder / "a.jpg", folder / "b.pdf"
    assert capsys.readouterr().out == (
        f"==> {a} <==\n{TEXT}\n\n==> {b} <==\n{TEXT}\n\n==> {b} page 2 <==\n{TEXT}\n"
    )


def test_every_form_of_output_in_one_go(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--csv", "rows.csv", "--hocr", "a.hocr", "--pdf", "a.pdf", "--alto", "alto", "--draw", "drawn"]
    arguments = [option if option.startswith("--") else str(out / option) for option in options]
    assert main(["read", str(folder / "b.pdf"), "--json", *arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [(page["page"], page["text"]) for page in printed] == [(1, TEXT), (2, TEXT)]
    with (out / "rows.csv").open(encoding="utf-8", newline="") as file:
        assert [row["cell 1"] for row in csv.DictReader(file)] == TEXT.split("\n") * 2
    words = [e.text for e in ElementTree.parse(out / "a.hocr").iter() if e.get("class") == "ocrx_word"]
    assert words == TEXT.split() * 2
    with pypdfium2.PdfDocument(out / "a.pdf") as document:
        assert [page.get_textpage().get_text_bounded().split() for page in document] == [TEXT.split()] * 2
    assert sorted(file.name for file in (out / "alto").iterdir()) == ["b_p1.xml", "b_p2.xml"]
    assert sorted(file.name for file in (out / "drawn").iterdir()) == ["b_p1.png", "b_p2.png"]
    assert main(["read", str(folder / "b.pdf"), "--pdf", str(out / "a.pdf")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_broken_page_does_not_keep_the_others_from_being_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.jpg").write_bytes(b"x")
    assert main(["read", str(folder), "--clean", "contrast", "deskew"]) == 2
    captured = capsys.readouterr()
    assert captured.out.count(TEXT) == 2
    assert captured.err.startswith(f"ocrtune: error: {folder / 'a.jpg'}: broken image")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lines", "--draw", "x"], "--draw is for whole pages; leave --lines out, or --draw"),
        (["--lines", "--clean", "deskew"], "--clean is for whole pages"),
        (["--clean", "sharpen"], "sharpen"),
    ],
)
def test_contradictions_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["read", str(folder / "a.jpg"), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_pages_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path)]) == 2
    assert f"{tmp_path} holds no images (.bmp, .jpeg, .jpg, .pdf" in capsys.readouterr().err


def test_data_crop_says_what_to_do_next(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "crops"
    assert main(["data", "crop", str(folder / "a.jpg"), "-o", str(out)]) == 0
    assert capsys.readouterr().out == (
        f"3 lines of 1 pages in {out}\n"
        "Correct what labels.txt says before you train on it; lines.tsv says how sure each reading is\n"
    )
    assert (out / "labels.txt").read_text(encoding="utf-8") == "".join(
        f"images/a_p1_line_{i:03}.png\t{text}\n" for i, text in enumerate(TEXT.split("\n"), start=1)
    )


def test_the_api_reads_pages_as_the_command_does(folder: Path, text_page: Image) -> None:
    import ocrtune

    reader = ocrtune.load()
    assert reader.read_page(str(folder / "a.jpg")).text == TEXT
    assert reader.read_page(text_page).text == TEXT
    assert [page.text for page in reader.read_pages(folder / "b.pdf")] == [TEXT, TEXT]

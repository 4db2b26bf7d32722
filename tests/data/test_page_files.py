"""Page images out of files: by content, page by page, under limits."""

from __future__ import annotations

import contextlib
import io
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from ocrtune.data import page_files
from ocrtune.data.images import ImageError, decode_image
from ocrtune.data.page_files import decode_pages, read_pages
from ocrtune.data.rejects import RejectReason


def saved(images: list[PIL.Image.Image], kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if len(images) > 1 else {}
    images[0].save(file, kind, **more, **options)
    return file.getvalue()


def shades(count: int, size: tuple[int, int] = (60, 40)) -> list[PIL.Image.Image]:
    return [PIL.Image.new("L", size, 40 * i) for i in range(count)]


def test_every_page_of_a_tiff_is_given() -> None:
    """Of different sizes and kinds; each as it would be decoded alone."""
    images = [*shades(2), PIL.Image.new("RGB", (30, 20), (10, 20, 30)), PIL.Image.new("1", (9, 7), 1)]
    pages = list(decode_pages(saved(images, "TIFF"), "a.tif"))
    assert [page.shape for page in pages] == [(40, 60), (40, 60), (20, 30, 3), (7, 9)]
    assert [int(page.flat[0]) for page in pages] == [0, 40, 10, 255]


def test_pages_are_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "scan.jpg"
    path.write_bytes(saved(shades(2), "TIFF"))
    assert len(list(read_pages(path))) == 2
    path.write_bytes(saved(shades(3), "PDF"))
    assert len(list(read_pages(path))) == 3


def test_of_a_moving_picture_the_first_frame_is_the_page() -> None:
    assert [int(page.max()) for page in decode_pages(saved(shades(3), "GIF"), "a.gif")] == [0]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_exif_rotation_is_applied(kind: str, orientation: int) -> None:
    """The stored image has a dark left upper quarter, which comes to stand elsewhere."""
    image = PIL.Image.new("L", (64, 32), 255)
    image.paste(0, (0, 0, 32, 16))
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    (page,) = decode_pages(saved([image], kind, exif=exif), "a")
    assert page.shape == ((32, 64) if orientation in (1, 3) else (64, 32))
    height, width = page.shape
    corner = {1: (4, 4), 3: (height - 4, width - 4), 6: (4, width - 4), 8: (height - 4, 4)}[orientation]
    assert page[corner] < 20
    assert (page < 128).mean() == pytest.approx(0.25, abs=0.02)


def test_pdf_pages_are_drawn_at_their_size() -> None:
    """60 x 40 px at 72 dots per inch are 60 x 40 points."""
    pages = list(decode_pages(saved(shades(3), "PDF"), "a.pdf"))
    assert [page.shape for page in pages] == [(112, 167, 3)] * 3
    assert [int(np.median(page)) for page in pages] == pytest.approx([0, 40, 80], abs=3)


def test_a_huge_pdf_page_is_drawn_coarser() -> None:
    content = saved([PIL.Image.new("L", (5000, 4000), 99)], "PDF", resolution=72)
    (page,) = decode_pages(content, "a.pdf")
    assert page.shape[0] * page.shape[1] == pytest.approx(page_files.PDF_PIXEL_LIMIT, rel=0.01)
    assert page.shape[1] / page.shape[0] == pytest.approx(1.25, abs=0.01)


def test_pdfs_are_drawn_alike_from_several_threads() -> None:
    """PDFium has one state for the whole process."""
    contents = [saved(shades(4), "PDF"), saved(shades(3), "PDF")] * 4
    with ThreadPoolExecutor(4) as pool:
        counts = list(
            pool.map(lambda content: [int(p[9, 9, 0]) for p in decode_pages(content, "a")], contents)
        )
    assert counts == [counts[0], counts[1]] * 4
    assert [len(count) for count in counts[:2]] == [4, 3]


def tiff_that_never_ends() -> bytes:
    """One page whose directory names itself as the next."""
    content = bytearray(saved(shades(1), "TIFF"))
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * entries, first)
    return bytes(content)


def test_a_tiff_that_bites_its_tail_ends() -> None:
    assert len(list(decode_pages(tiff_that_never_ends(), "a.tif"))) <= 2


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
def test_too_many_pages_are_refused_before_the_first(kind: str) -> None:
    with pytest.raises(ImageError, match=r"many: image too large: .*over 3") as raised:
        next(decode_pages(saved(shades(4), kind), "many", limit=3))
    assert raised.value.reason is RejectReason.TOO_LARGE
    assert len(list(decode_pages(saved(shades(3), kind), "few", limit=3))) == 3


def test_a_page_over_the_pixel_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocrtune.data.images.PIXEL_LIMIT", 3000)
    pages = decode_pages(saved([*shades(1), *shades(1, (90, 50))], "TIFF"), "a.tif")
    assert next(pages).shape == (40, 60)
    with pytest.raises(ImageError, match=r"a\.tif page 2: image too large: 90 x 50 px"):
        next(pages)


PDF = saved(shades(1), "PDF")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty image: 0 bytes"),
        (b"%PDF-1.7\nnothing of the kind", "no PDF that can be opened"),
        (PDF[:60], "no PDF that can be opened"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of"),
        (b"PK\x03\x04" + bytes(100), "none of"),
        (saved(shades(1), "PNG")[:50], "broken image"),
        (saved(shades(2), "TIFF")[:70], "broken image"),
    ],
)
def test_what_is_no_page_is_refused_with_its_name(content: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message) as raised:
        list(decode_pages(content, "upload"))
    assert str(raised.value).startswith("upload")


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_pdf_gives_pages_or_a_clear_error(seed: int) -> None:
    """Whatever bytes are lost: PDFium repairs much, and says so where it cannot."""
    rng = np.random.default_rng(seed)
    content = bytearray(PDF)
    for place in rng.integers(5, len(content), 12):
        content[place] = rng.integers(256)
    with contextlib.suppress(ImageError):
        for page in decode_pages(bytes(content), "a.pdf"):
            assert page.size


def test_a_locked_pdf_says_so() -> None:
    """The standard security handler with a user password, by the smallest file that needs one."""
    body = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"3 0 obj<</Filter/Standard/V 1/R 2/P -4/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">>>endobj\n"
    )
    offsets = [body.index(b"%d 0 obj" % i) for i in (1, 2, 3)]
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    content = (
        body + b"xref\n0 4\n0000000000 65535 f \n" + table
        + b"trailer<</Size 4/Root 1 0 R/Encrypt 3 0 R/ID[<00><00>]>>\nstartxref\n%d\n%%%%EOF" % len(body)
    )  # fmt: skip
    with pytest.raises(ImageError, match=r"a\.pdf: broken image: it is locked by a password"):
        next(decode_pages(content, "a.pdf"))


def test_a_file_over_the_size_limit_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_files, "FILE_LIMIT", 100)
    with pytest.raises(ImageError, match="too large"):
        next(decode_pages(PDF, "a.pdf"))


def test_one_page_images_are_as_before() -> None:
    content = saved(shades(1), "PNG")
    (page,) = decode_pages(content, "a.png")
    assert np.array_equal(page, decode_image(content, "a.png"))


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
def test_pages_before_the_first_that_is_wanted_are_left_out(kind: str) -> None:
    content = saved(shades(4), kind)
    pages = decode_pages(content, "a", first=2)
    assert [int(np.median(page)) for page in pages] == pytest.approx([80, 120], abs=3)
    assert list(decode_pages(content, "a", first=4)) == []
    with pytest.raises(ImageError, match="over 3"):
        next(decode_pages(content, "a", limit=3, first=2))


def test_an_image_has_no_second_page() -> None:
    assert list(decode_pages(saved(shades(1), "PNG"), "a", first=1)) == []


def test_a_broken_page_does_not_hide_the_next_from_who_wants_that_one() -> None:
    content = bytearray(saved(shades(2), "TIFF", compression="tiff_adobe_deflate"))
    place = content.index(b"\x78\x9c")
    content[place : place + 4] = bytes(4)
    with pytest.raises(ImageError, match="broken image"):
        next(decode_pages(bytes(content), "a"))
    (page,) = decode_pages(bytes(content), "a", first=1)
    assert int(page.max()) == 40

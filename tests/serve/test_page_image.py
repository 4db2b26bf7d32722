"""Pages as pictures, for who cannot draw the file."""

from __future__ import annotations

import base64
import io
import threading

import numpy as np
import PIL.Image
import pytest

from ocrtune.config import ServeConfig
from ocrtune.serve.page_pictures import PICTURE_PX, PICTURE_SIDE, encode_picture
from ocrtune.serve.service import OcrService

PATH = "/api/page-image"

RED, GREY = PIL.Image.new("RGB", (120, 60), (200, 30, 30)), PIL.Image.new("L", (60, 90), 90)


def encoded(kind, *pages, **options):
    buffer = io.BytesIO()
    if len(pages) > 1:
        options |= {"save_all": True, "append_images": [page.copy() for page in pages[1:]]}
    pages[0].copy().save(buffer, kind, **options)  # a saved image keeps what the next writer trips over
    return buffer.getvalue()


def file(content):
    return {"image": ("x", content)}


def drawn(response):
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    return PIL.Image.open(io.BytesIO(response.content), formats=["JPEG"])


@pytest.mark.parametrize(("kind", "options"), [("TIFF", {}), ("PDF", {"resolution": 200.0})])
def test_each_page_is_drawn(client, kind, options):
    document = encoded(kind, RED, GREY, **options)
    first = drawn(client.post(PATH, files=file(document)))
    second = drawn(client.post(PATH, params={"page": 1}, files=file(document)))
    read = client.post("/api/ocr", files=file(document)).json()["pages"]
    assert [first.size, second.size] == [(page["width"], page["height"]) for page in read]
    assert first.getpixel((60, 30)) == pytest.approx((200, 30, 30), abs=4)
    assert second.convert("L").getpixel((30, 45)) == pytest.approx(90, abs=2)
    response = client.post(PATH, params={"page": 2}, files=file(document))
    assert (response.status_code, response.json()) == (
        422,
        {"error": "bad_parameter", "message": "`page` 2: the file has fewer pages"},
    )


def test_the_picture_has_the_shape_of_the_page_that_is_read(client):
    """Turned as EXIF says, and smaller."""
    image = PIL.Image.new("L", (3000, 1500), 255)
    image.paste(0, (0, 0, 1500, 1500))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # its top is on the right
    content = encoded("TIFF", image, exif=exif)
    (page,) = client.post("/api/ocr", files=file(content)).json()["pages"]
    assert (page["width"], page["height"]) == (1500, 3000)
    picture = drawn(client.post(PATH, files=file(content)))
    assert picture.width * picture.height == pytest.approx(PICTURE_PX, rel=0.01)
    assert picture.height / picture.width == pytest.approx(2, rel=0.01)
    assert picture.getpixel((5, 5)) < 5
    assert picture.getpixel((5, picture.height - 5)) > 250


def test_sizes_are_bounded():
    def size(height, width):
        return PIL.Image.open(io.BytesIO(encode_picture(np.zeros((height, width), np.uint8)))).size

    assert size(2339, 1654) == (1654, 2339)  # A4 at 200 dpi keeps its px
    assert size(2000, 2000) == (2000, 2000)
    assert size(8000, 2000) == (1000, 4000)
    assert size(1, 40_000_000) == (PICTURE_SIDE, 1)
    assert size(100_000, 100) == (16, PICTURE_SIDE)


def test_a_file_comes_as_base64_too(client):
    content = encoded("PPM", RED)
    told = drawn(client.post(PATH, json={"image": base64.b64encode(content).decode()}))
    assert told.getpixel((60, 30)) == pytest.approx((200, 30, 30), abs=4)


# query, body, status, code
@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ("page=-1", {"files": file(b"x")}, 422, "bad_parameter"),
        ("page=500", {"files": file(b"x")}, 422, "bad_parameter"),
        ("page=one", {"files": file(b"x")}, 422, "bad_parameter"),
        ("", {"files": {"images": ("x", b"x")}}, 422, "bad_parameter"),
        ("", {"files": [("images", ("x", b"x"))] * 2}, 413, "too_many_images"),
        ("", {"json": {"images": ["QUJD"]}}, 422, "bad_parameter"),
        ("", {"json": {"image": "$$$"}}, 422, "bad_base64"),
        ("", {"json": {}}, 422, "no_image"),
        ("", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
        ("", {"content": b"x"}, 415, "unsupported_type"),
    ],
)
def test_wrong_requests_are_named(client, query, body, status, code):
    response = client.post(f"{PATH}?{query}", **body)
    assert (response.status_code, response.json()["error"]) == (status, code)


def test_pictures_take_a_place_and_end_at_the_deadline(block_onnx, serving, monkeypatch):
    """One that is being made keeps the next out, and is given up in time."""
    entered, go = threading.Event(), threading.Event()
    draw = OcrService._draw

    def held(self, content, page, deadline):
        entered.set()
        assert go.wait(60)
        return draw(self, content, page, 0.0)  # a time that has passed

    monkeypatch.setattr(OcrService, "_draw", held)
    with serving(ServeConfig(model=str(block_onnx), queue=1, deadline=600)) as running:
        answers = []
        ask = threading.Thread(
            target=lambda: answers.append(running.client().post(PATH, files=file(encoded("TIFF", RED))))
        )
        ask.start()
        assert entered.wait(60)
        busy = running.client().post(PATH, files=file(encoded("TIFF", RED)))
        assert (busy.status_code, busy.json()["error"]) == (429, "busy")
        assert busy.headers["Retry-After"] == "1"
        go.set()
        ask.join(60)
        assert (answers[0].status_code, answers[0].json()["error"]) == (504, "deadline_exceeded")
        assert running.service._taken == 0


def test_nothing_is_held_afterwards(running, client):
    for content in (encoded("TIFF", RED, GREY), encoded("PDF", RED), b"no image"):
        client.post(PATH, files=file(content))
    assert running.service._room.taken == 0

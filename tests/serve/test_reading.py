"""What is sent, what comes back."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
import PIL.Image
import pytest

from ocrtune.reading.models import find_model


def file(content, name="line.png"):
    return {"image": (name, content)}


def page_image(*texts):
    page = np.full((110 + 70 * len(texts), 420, 3), 255, np.uint8)
    for row, text in enumerate(texts):
        cv2.putText(page, text, (40, 90 + 70 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 3)
    return PIL.Image.fromarray(page)


def as_bytes(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_line_is_answered_in_full(client, line_png, block_onnx):
    answer = client.post("/api/ocr", params={"mode": "line"}, files=file(line_png("ab"))).json()
    seconds = answer.pop("total_time")
    assert 0 < seconds < 60
    (line,) = answer["text"]
    confidences = [character.pop("confidence") for character in line["characters"]]
    assert [round(c, 4) for c in confidences] == [1.0, 1.0]
    assert line.pop("confidence") == pytest.approx(np.sqrt(np.prod(confidences)), abs=1e-6)
    assert answer == {
        "text": [
            {
                "text": "ab",
                "box": [[0.0, 0.0], [16.0, 0.0], [16.0, 8.0], [0.0, 8.0]],
                "page": 0,
                "row": 0,
                "block": 0,
                "stacked": False,
                "characters": [
                    {"symbol": "a", "box": [[0.0, 0.0], [4.0, 0.0], [4.0, 8.0], [0.0, 8.0]]},
                    {"symbol": "b", "box": [[8.0, 0.0], [12.0, 0.0], [12.0, 8.0], [8.0, 8.0]]},
                ],
            }
        ],
        "pages": [
            {
                "width": 16,
                "height": 8,
                "angle": 0,
                "text": "ab",
                "confidence": answer["pages"][0]["confidence"],
            }
        ],
        "mode": "line",
        "model": "blocks",
        "digest": find_model(block_onnx).manifest.digest,
    }


def test_nothing_read_is_a_line_without_text(client, line_png):
    black = as_bytes(PIL.Image.new("L", (40, 8)), "PNG")
    (line,) = client.post("/api/ocr?mode=line", files=file(black)).json()["text"]
    assert (line["text"], line["confidence"], line["characters"]) == ("", 0.0, [])


# How the images are sent
@pytest.mark.parametrize(
    "body",
    [
        lambda images: {"files": [("images", ("x", image)) for image in images]},
        lambda images: {"json": {"images": [base64.b64encode(image).decode() for image in images]}},
        lambda images: {
            "json": {"images": ["data:image/png;base64," + base64.b64encode(i).decode() for i in images]}
        },
    ],
)
def test_several_images_come_back_in_order(client, line_png, body):
    images = [line_png("abc"), b"no image", line_png("c c"), b""]
    response = client.post("/api/ocr?mode=line", **body(images))
    assert response.status_code == 200
    answer = response.json()
    assert [r["text"][0]["text"] if "text" in r else r["status"] for r in answer["results"]] == [
        "abc", 415, "c c", 422,
    ]  # fmt: skip
    assert [r["error"] for r in answer["results"] if "error" in r] == [
        {
            "error": "unsupported_format",
            "message": "its content is none of JPEG, PNG, BMP, WEBP, TIFF, GIF, PPM, PDF",
            "image": 1,
        },
        {"error": "empty_image", "message": "it has 0 bytes", "image": 3},
    ]
    assert answer.keys() == {"results", "mode", "model", "digest", "total_time"}


def test_one_image_as_base64_reads_as_the_same_file(client, line_png):
    sent = client.post("/api/ocr?mode=line", files=file(line_png("cab"))).json()
    encoded = base64.encodebytes(line_png("cab")).decode()  # with line breaks
    told = client.post("/api/ocr?mode=line", json={"image": encoded}).json()
    assert told["text"] == sent["text"]


def test_a_named_model_reads(client, line_png):
    for name, text in (("blocks", "abc"), ("swapped", "cba")):
        answer = client.post(f"/api/ocr?mode=line&model={name}", files=file(line_png("abc"))).json()
        assert (answer["model"], answer["text"][0]["text"]) == (name, text)


def test_an_upload_is_not_named_on_the_disk(client, line_png, tmp_path):
    """Names are a client's own; they are not looked at."""
    target = tmp_path / "written.png"
    for name in (str(target), "../../../etc/passwd", "", "a\nb", "x" * 500, "å.png"):
        response = client.post("/api/ocr?mode=line", files=file(line_png("a"), name or "."))
        assert response.json()["text"][0]["text"] == "a"
    assert not target.exists()


def test_pages_of_documents_are_all_read(client):
    """The block model reads no letters; where they stand is the detector's work."""
    pages = [page_image("FIRST", "PAGE"), page_image("SECOND")]
    # A PDF's sides are points, rounded up to px when drawn.
    documents = {
        "TIFF": (
            as_bytes(pages[0], "TIFF", save_all=True, append_images=pages[1:]),
            [(420, 250), (420, 180)],
        ),
        "PDF": (
            as_bytes(pages[0], "PDF", save_all=True, append_images=pages[1:], resolution=200.0),
            [(420, 250), (420, 181)],
        ),
    }
    for kind, (document, sizes) in documents.items():
        answer = client.post("/api/ocr", files=file(document)).json()
        assert [(page["width"], page["height"]) for page in answer["pages"]] == sizes, kind
        assert answer["mode"] == "page"
        assert {line["page"] for line in answer["text"]} <= {0, 1}


@pytest.mark.slow
def test_a_page_reads_as_the_python_api_reads_it(client, running):
    from ocrtune.api import load

    page = page_image("No. 58", "TOTAL")
    expected = load("ppocrv6-small").read_page(np.asarray(page))
    assert expected.text == "No. 58\nTOTAL"
    answer = client.post("/api/ocr?model=ppocrv6-small", files=file(as_bytes(page, "PNG"))).json()
    assert answer["pages"] == [
        {
            "width": 420,
            "height": 250,
            "angle": 0,
            "text": "No. 58\nTOTAL",
            "confidence": round(expected.confidence, 6),
        }
    ]
    assert [{k: v for k, v in line.items() if k != "page"} for line in answer["text"]] == [
        line.to_json() for line in expected.lines
    ]


# query, what is wrong with it
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("mode=paragraph", 422, "bad_parameter"),
        ("clean=magic", 422, "bad_parameter"),
        ("model=none-such", 404, "unknown_model"),
        ("model=../../etc/passwd", 404, "unknown_model"),
        ("model=notes.txt", 404, "unknown_model"),
        ("model=broken", 422, "model_failed"),
    ],
)
def test_wrong_parameters_are_named(client, line_png, query, status, code):
    response = client.post(f"/api/ocr?{query}", files=file(line_png("a")))
    assert (response.status_code, response.json()["error"]) == (status, code)


# body, status, code
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"json": {"image": "$$$"}}, 422, "bad_base64"),
        ({"json": {"image": 5}}, 422, "bad_parameter"),
        ({"json": {"images": "QUJD"}}, 422, "bad_parameter"),
        ({"json": {"images": []}}, 422, "no_image"),
        ({"json": {}}, 422, "no_image"),
        ({"json": []}, 422, "bad_parameter"),
        ({"json": {"image": "QUJD", "path": "/etc/passwd"}}, 422, "bad_parameter"),
        ({"json": {"image": "QUJD", "images": ["QUJD"]}}, 422, "bad_parameter"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
        ({"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_request"),
        (
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
            400,
            "bad_request",
        ),
        ({"content": b"x", "headers": {"Content-Type": "image/png"}}, 415, "unsupported_type"),
        ({"content": b"x"}, 415, "unsupported_type"),
        ({"files": {"picture": ("x", b"x")}}, 422, "bad_parameter"),
        ({"data": {"image": "text"}, "files": {"other": ("x", b"x")}}, 422, "bad_parameter"),
        ({"files": [("image", ("x", b"x")), ("image", ("y", b"y"))]}, 422, "bad_parameter"),
        ({"files": [("image", ("x", b"x")), ("images", ("y", b"y"))]}, 422, "bad_parameter"),
        ({"files": [("images", ("x", b"x"))] * 17}, 413, "too_many_images"),
        ({"files": [("images", ("x", b"x"))] * 100}, 413, "too_many_images"),
    ],
)
def test_wrong_bodies_are_named(client, body, status, code):
    response = client.post("/api/ocr", **body)
    assert (response.status_code, response.json()["error"]) == (status, code)

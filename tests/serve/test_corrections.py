"""Corrections over REST: off by default; with --collect kept, reviewed and deleted by whom tokens allow."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import PIL.Image
import pytest
from fastapi import FastAPI, Request, Response

from ocrtune.config import ServeConfig
from ocrtune.data.corrections import CorrectionStore, Order, read_corrections
from ocrtune.serve.corrections import add_corrections
from ocrtune.serve.door import STARTED
from ocrtune.serve.service import CutLine, LinePlace
from ocrtune.serve.tokens import Tokens

DIGEST = "0" * 64
CORNERS = [[10, 20], [110, 20], [110, 50], [10, 50]]


def page_bytes(shade: int = 200) -> bytes:
    """A page 200 x 100 px whose grey tells the place."""
    pixels = np.full((100, 200), shade, np.uint8)
    pixels[20:50, 10:110] = np.arange(100)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def body(*lines: dict[str, Any], image: bytes | None = None, **other: Any) -> dict[str, Any]:
    content = base64.b64encode(page_bytes() if image is None else image).decode()
    return {"image": content, "digest": DIGEST, "lines": list(lines) or [line()], **other}


def line(**changes: Any) -> dict[str, Any]:
    return {"text": "TOTAL", "reading": "TOTA1", "confidence": 0.5, "box": CORNERS, **changes}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corrections") / "corrections.db"


@pytest.fixture(scope="module")
def service(
    serving: Callable[[ServeConfig], AbstractContextManager[Any]], block_onnx: Path, database: Path
) -> Iterator[httpx2.Client]:
    config = ServeConfig(model=str(block_onnx), collect=database, max_corrections=3, max_mib=1, deadline=600)
    with serving(config) as running, running.client() as client:
        yield client


@pytest.fixture
def collecting(service: httpx2.Client, database: Path) -> Iterator[httpx2.Client]:
    """A service that keeps corrections, and has none."""
    yield service
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("DELETE FROM sqlite_sequence")
        db.execute("DELETE FROM corrections")
        db.commit()


def test_nothing_is_kept_unless_the_operator_says_so(client: httpx2.Client) -> None:
    assert client.get("/api/limits").json()["corrections"] is False
    for answer in (
        client.post("/api/corrections", json=body()),
        client.get("/api/corrections"),
        client.get("/api/corrections/1/image"),
        client.patch("/api/corrections/1", json={"state": "accepted"}),
        client.delete("/api/corrections/1"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (404, "corrections_off")


def test_a_line_is_cut_out_kept_reviewed_and_deleted(collecting: httpx2.Client, database: Path) -> None:
    assert collecting.get("/api/limits").json()["corrections"] is True
    answer = collecting.post("/api/corrections", json=body(line(text=" TOTAL ")))
    assert answer.status_code == 201
    (stored,) = answer.json()["corrections"]
    made_at = stored.pop("made_at")
    assert stored == {
        "id": 1, "source": hashlib.sha256(page_bytes()).hexdigest(), "page": 0,
        "box": [[10.0, 20.0], [110.0, 20.0], [110.0, 50.0], [10.0, 50.0]], "width": 100, "height": 30,
        "reading": "TOTA1", "confidence": 0.5, "digest": DIGEST, "text": "TOTAL", "state": "waiting",
        "who": None, "reviewer": None, "reviewed_at": None,
    }  # fmt: skip
    listed = collecting.get("/api/corrections").json()
    assert listed["corrections"] == [{**stored, "made_at": made_at}]
    assert (listed["counts"], listed["next"]) == ({"waiting": 1, "accepted": 0, "rejected": 0}, None)

    picture = collecting.get("/api/corrections/1/image")
    assert picture.headers["content-type"] == "image/png"
    pixels = np.asarray(PIL.Image.open(io.BytesIO(picture.content)))
    assert (pixels == np.broadcast_to(np.arange(100), (30, 100))).all()

    changed = collecting.patch("/api/corrections/1", json={"state": "accepted", "text": "TOTAl"}).json()
    assert (changed["state"], changed["text"]) == ("accepted", "TOTAl")
    assert collecting.get("/api/corrections?state=waiting").json()["corrections"] == []

    assert collecting.delete("/api/corrections/1").status_code == 204
    for answer in (
        collecting.delete("/api/corrections/1"),
        collecting.get("/api/corrections/1/image"),
        collecting.patch("/api/corrections/1", json={}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (404, "unknown_correction")
    assert read_corrections(database) == []


def test_the_picture_is_what_training_gets_of_a_coloured_page(collecting: httpx2.Client) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[..., 0] = 255  # red, so that swapped channels show
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    box = [[0, 0], [60, 0], [60, 40], [0, 40]]
    collecting.post("/api/corrections", json=body(line(box=box), image=buffer.getvalue()))
    kept = PIL.Image.open(io.BytesIO(collecting.get("/api/corrections/1/image").content))
    assert kept.getpixel((5, 5)) == (255, 0, 0)


def test_the_least_certain_come_first_in_pages(collecting: httpx2.Client) -> None:
    lines = [
        line(confidence=c, text=t, box=[[x, y + i] for x, y in CORNERS])
        for i, (c, t) in enumerate(((0.9, "a"), (0.1, "b"), (0.5, "c")))
    ]
    assert collecting.post("/api/corrections", json=body(*lines)).status_code == 201
    first = collecting.get("/api/corrections?limit=2").json()
    assert [each["text"] for each in first["corrections"]] == ["b", "c"]
    rest = collecting.get("/api/corrections", params={"limit": 2, "after": first["next"]}).json()
    assert ([each["text"] for each in rest["corrections"]], rest["next"]) == (["a"], None)
    newest = collecting.get("/api/corrections?order=newest").json()["corrections"]
    assert [each["text"] for each in newest] == ["c", "b", "a"]
    full = collecting.post("/api/corrections", json=body(image=page_bytes(100)))
    assert full.status_code == 507
    assert full.json() == {
        "error": "corrections_full", "limit": 3, "got": 4, "unit": "corrections",
        "message": "no more corrections are kept: 4 corrections would be stored, over the limit of 3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (body(line(text="a\tb")), "bad_parameter"),
        (body(line(text="  ")), "bad_parameter"),
        (body(line(text="x" * 501)), "bad_parameter"),
        (body(line(confidence=1.5)), "bad_parameter"),
        (body(line(box=CORNERS[:3])), "bad_parameter"),
        (body(line(box=[[0, 0], [300, 0], [300, 20], [0, 20]])), "bad_parameter"),
        (body(line(box=[[0, 0], [100, 0], [50, 0], [20, 0]])), "bad_parameter"),
        (body(line(box=[[200, 20], [204, 20], [204, 50], [200, 50]])), "bad_parameter"),
        (body(line(unknown=1)), "bad_parameter"),
        (body(page=1), "bad_parameter"),
        (body(digest="model"), "bad_parameter"),
        (body(lines=[]), "bad_parameter"),
        (body(image=b""), "empty_image"),
        (body(image=b"no image"), "unsupported_format"),
        (body(image=page_bytes()[:80]), "broken_image"),
        ({**body(), "image": "no base64!"}, "bad_base64"),
    ],
)
def test_what_cannot_be_kept_is_refused(collecting: httpx2.Client, sent: dict[str, Any], code: str) -> None:
    answer = collecting.post("/api/corrections", json=sent)
    assert (answer.status_code // 100, answer.json()["error"]) == (4, code), answer.text
    assert collecting.get("/api/corrections").json()["corrections"] == []


def test_half_of_a_symbol_is_refused(collecting: httpx2.Client) -> None:
    content = b'{"state": null, "text": "\\ud800"}'
    answer = collecting.patch(
        "/api/corrections/1", content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_parameter")


def test_a_form_of_another_web_page_cannot_correct(collecting: httpx2.Client) -> None:
    """Browsers send these kinds to any address without asking it first."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        headers = {} if kind is None else {"Content-Type": kind}
        answer = collecting.post("/api/corrections", content=json.dumps(body()), headers=headers)
        assert answer.status_code == 422, kind
    assert collecting.get("/api/corrections").json()["corrections"] == []


def test_any_file_that_may_be_read_may_be_corrected(collecting: httpx2.Client) -> None:
    """In base64 it is a third larger than in the upload whose size is limited."""
    noise = np.random.default_rng(1).integers(0, 256, (1000, 1000), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise).save(buffer, "PNG")
    sent = body(line(box=[[0, 0], [20, 0], [20, 9], [0, 9]]), image=buffer.getvalue())
    answer = collecting.post("/api/corrections", json=sent)
    assert answer.status_code == 201
    assert collecting.delete(f"/api/corrections/{answer.json()['corrections'][0]['id']}").status_code == 204
    answer = collecting.post("/api/corrections", json=body(image=b"x" * (1 << 20) * 2))
    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")


def test_who_may_do_what(tmp_path: Path) -> None:
    names = ("anna", "ben", "boss")
    rows = [f"{name} {name}-token-of-a-test{' admin' if name == 'boss' else ''}\n" for name in names]
    (tmp_path / "tokens").write_text("".join(rows), encoding="utf-8")
    store = CorrectionStore(tmp_path / "corrections.db", 9, 10**6)
    app = FastAPI()

    @app.middleware("http")
    async def start(request: Request, call_next: Callable[[Request], Any]) -> Response:
        request.scope[STARTED] = 0.0  # as the door does
        return await call_next(request)

    add_corrections(app, StandIn(), store, Tokens.from_file(tmp_path / "tokens"))  # type: ignore[arg-type]

    async def ask() -> None:
        transport = httpx2.ASGITransport(app)

        async def status(name: str, method: str, path: str, **sent: Any) -> int:
            headers = {"Authorization": f"Bearer {name}-token-of-a-test"}
            async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
                return (await client.request(method, path, headers=headers, **sent)).status_code

        one, two = "/api/corrections/1", "/api/corrections/2"
        accept = {"json": {"state": "accepted"}}
        boxes = [[[x, y + i] for x, y in CORNERS] for i in range(2)]
        sent = body(*(line(box=box) for box in boxes))
        assert await status("nobody", "POST", "/api/corrections", json=sent) == 401
        assert await status("nobody", "DELETE", one) == 401
        assert await status("anna", "POST", "/api/corrections", json=sent) == 201
        for name in ("anna", "ben"):
            assert await status(name, "GET", "/api/corrections") == 403
            assert await status(name, "GET", f"{one}/image") == 403
            assert await status(name, "PATCH", one, **accept) == 403
        assert await status("boss", "PATCH", two, **accept) == 200
        assert [(c.who, c.reviewer) for c in store.listed(Order.NEWEST, None, 9)] == [
            ("anna", "boss"), ("anna", None),
        ]  # fmt: skip
        assert await status("ben", "DELETE", one) == 403
        assert await status("ben", "DELETE", "/api/corrections/7") == 403
        assert await status("anna", "DELETE", one) == 204
        assert await status("anna", "DELETE", two) == 403  # somebody has reviewed it
        assert await status("boss", "DELETE", two) == 204

    asyncio.run(ask())
    store.close()


class StandIn:
    """What the routes need of a service."""

    config = ServeConfig()
    place = contextlib.nullcontext

    async def cut_lines(self, content: bytes, page: int, places: list[LinePlace], _: float) -> list[CutLine]:
        return [CutLine(b"PNG", 1, 1) for _ in places]


def test_a_file_that_another_program_holds_is_said_to_be_so(
    collecting: httpx2.Client, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("ocrtune.data.corrections.CorrectionStore.add", refuse)
    answer = collecting.post("/api/corrections", json=body())
    assert (answer.status_code, answer.json()["error"]) == (503, "corrections_unavailable")
    assert "disk" not in answer.json()["message"]

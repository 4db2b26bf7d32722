"""What is asked of a service and how its refusals are told, against a stand-in on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ocrtune.errors import BarError, InputError
from ocrtune.workflows import service_client
from ocrtune.workflows.service_client import ServedModel, ServiceClient

MODELS = {
    "active": "base",
    "previous": None,
    "models": [{"name": "base", "digest": "b" * 64}, {"name": "tuned", "digest": "c" * 64}],
}
TUNED = {**MODELS, "active": "tuned"}


class StandIn(HTTPServer):
    """Gives out `answers`, one after the other, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, str | None, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
        status, answer = self.server.answers.pop(0)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://example.org/api/models")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[StandIn]:
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_model_is_made_active(service: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # which is another machine's way to this one
    service.answers = [(200, MODELS), (200, TUNED)]
    client = ServiceClient(f"{service.url}/", "a-token")
    assert client.active() == ServedModel("base", "b" * 64)
    client.activate("tuned", "c" * 64)
    assert service.asked == [
        ("GET", "/api/models", "Bearer a-token", None),
        ("PUT", "/api/models/active", "Bearer a-token", {"model": "tuned"}),
    ]


def test_another_switch_is_waited_for(service: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_client, "PAUSE", 0.01)
    busy = (409, {"error": "switch_in_progress", "message": "another switch is under way"})
    service.answers = [busy, busy, (200, TUNED)]
    ServiceClient(service.url, None).activate("tuned", "c" * 64)
    assert len(service.asked) == 3
    monkeypatch.setattr(service_client, "PATIENCE", 0.0)
    service.answers = [busy]
    with pytest.raises(BarError, match="did not activate tuned: another switch is under way"):
        ServiceClient(service.url, None).activate("tuned", "c" * 64)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((422, {"error": "model_failed", "message": "it reads nonsense"}), "tuned: it reads nonsense$"),
        ((404, {"error": "unknown_model", "message": "no such model"}), "is --models the folder"),
        ((403, {"error": "not_allowed", "message": "this takes admin"}), "this takes admin"),
        ((200, MODELS), r"reads with base \(bbbbbbbbbbbb\) and not with the tuned"),
    ],
)
def test_a_refusal_says_why(service: StandIn, answer: tuple[int, Any], said: str) -> None:
    service.answers = [answer]
    with pytest.raises(BarError, match=said):
        ServiceClient(service.url, None).activate("tuned", "c" * 64)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {"error": "token_needed", "message": "send a token"}), "refuses: send a token"),
        ((200, b"<html>"), "does not answer as ocrtune does"),
        ((200, []), "does not answer as ocrtune does"),
        ((200, {"hello": 1}), "none of ocrtune's"),
        ((502, b"Bad gateway"), "does not answer as ocrtune does"),
        ((302, b""), "leads on to http://example.org/api/models"),
    ],
)
def test_answers_that_are_none(service: StandIn, answer: tuple[int, Any], said: str) -> None:
    service.answers = [answer]
    with pytest.raises(InputError, match=said):
        ServiceClient(service.url, "a-token").active()


def test_nobody_is_there(service: StandIn) -> None:
    with HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(InputError, match=r"does not answer: .*refused.*; is it running"):
        ServiceClient(f"http://127.0.0.1:{port}", None).active()


@pytest.mark.parametrize(
    "url", ["localhost:5000", "ftp://here", "http://", "http://a/?x=1", "file:///etc/passwd"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="is no address; write it like http://localhost:5000"):
        ServiceClient(url, None)

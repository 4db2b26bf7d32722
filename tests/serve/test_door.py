"""Who gets in, with how much, and what every answer carries."""

from __future__ import annotations

import http.client
import json
import socket

import pytest

from ocrtune.config import ServeConfig
from ocrtune.errors import InputError
from ocrtune.serve.door import answered_hosts
from ocrtune.serve.tokens import Client, Tokens

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


# path, status, what may be kept of it
@pytest.mark.parametrize(
    ("method", "path", "status", "kept"),
    [
        ("GET", "/", 200, "no-cache"),
        ("GET", "/docs", 200, "no-store"),
        ("GET", "/openapi.json", 200, "no-store"),
        ("GET", "/healthz", 200, "no-store"),
        ("GET", "/metrics", 200, "no-store"),
        ("GET", "/none-such", 404, "no-store"),
        ("GET", "/../../../../etc/passwd", 404, "no-store"),
        ("GET", "/%2e%2e/%2e%2e/app.py", 404, "no-store"),
        ("GET", "/api/ocr", 405, "no-store"),
        ("GET", "/api/page-image", 405, "no-store"),
        ("DELETE", "/api/models/active", 405, "no-store"),
        ("POST", "/none-such", 405, "no-store"),
        ("POST", "/api/ocr", 415, "no-store"),
        ("POST", "/api/page-image", 415, "no-store"),
    ],
)
def test_every_answer_is_guarded(running, method, path, status, kept):
    """Asked without a client that tidies paths up."""
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"))
    connection.request(method, path)
    response = connection.getresponse()
    content = response.read()
    assert response.status == status
    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == kept
    assert response.headers["Access-Control-Allow-Origin"] is None
    assert response.headers["Server"] is None
    if status >= 400:
        assert json.loads(content).keys() >= {"error", "message"}
    else:
        assert b"://" not in content.replace(b"http://127.0.0.1", b"").replace(b"https://example.org", b"")


@pytest.mark.parametrize("path", ["/api/ocr", "/api/page-image"])
def test_a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not(running, path):
    def pieces():
        for _ in range(70):
            yield b"x" * 2**20

    expected = {"error": "body_too_large", "limit": 2**25, "unit": "bytes"}
    for content in (b"x" * (2**25 + 1), pieces()):
        with running.client() as client:
            headers = {"Content-Type": "application/json"}
            response = client.post(path, content=content, headers=headers)
            answer = response.json()
            assert response.status_code == 413
            assert {k: answer[k] for k in expected} == expected
            assert answer["got"] > 2**25
    with running.client() as client:
        assert client.put("/api/models/active", content=b"x" * 70_000).status_code == 413


def test_an_announced_body_is_refused_before_it_is_sent(running):
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /api/ocr HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_host_that_is_not_ours_is_refused(client):
    for host, status in (
        ("evil.example", 421),
        ("evil.example:5000", 421),
        ("LOCALHOST:5000", 200),
        ("[::1]", 200),
    ):
        assert client.get("/healthz", headers={"Host": host}).status_code == status


def test_hosts_that_are_answered():
    own = {"localhost", "127.0.0.1", "[::1]"}
    assert answered_hosts("127.0.0.1", ()) == own
    assert answered_hosts("localhost", ("OCR.example",)) == own | {"ocr.example"}
    assert answered_hosts("0.0.0.0", ()) == frozenset()
    assert answered_hosts("0.0.0.0", ("ocr.example",)) == own | {"0.0.0.0", "ocr.example"}


def test_an_upload_that_does_not_come_is_given_up(block_onnx, serving):
    with serving(ServeConfig(model=str(block_onnx), deadline=0.5)) as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST /api/ocr HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                b"Content-Type: application/json\r\n\r\n{"
            )
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


@pytest.mark.slow
def test_tokens_let_in_whom_they_name(block_onnx, tmp_path, line_png, serving):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"# who\nshop {'s' * 16}\nops {'o' * 16} admin  # may switch\n", encoding="utf-8")
    with (
        serving(ServeConfig(model=str(block_onnx), tokens=tokens, deadline=600)) as running,
        running.client() as client,
    ):

        def statuses(authorization):
            headers = {} if authorization is None else {"Authorization": authorization}
            read = client.post("/api/ocr?mode=line", files={"image": ("x", line_png("a"))}, headers=headers)
            picture = client.post("/api/page-image", files={"image": ("x", line_png("a"))}, headers=headers)
            switch = client.put("/api/models/active", json={"rollback": True}, headers=headers)
            open_ones = [client.get(path).status_code for path in ("/", "/docs", "/healthz", "/api/limits")]
            closed = [client.get(path, headers=headers).status_code for path in ("/metrics", "/api/models")]
            assert open_ones == [200] * 4
            assert [*closed, picture.status_code] == [read.status_code] * 3
            if read.status_code == 401:
                assert read.headers["WWW-Authenticate"] == "Bearer"
            return read.status_code, switch.status_code

        assert client.get("/api/limits").json()["token_required"] is True
        for wrong in (
            None,
            "",
            "Bearer",
            "Bearer wrong",
            f"Basic {'s' * 16}",
            "Bearer " + "s" * 15,
            "Bearer å",
        ):
            assert statuses(wrong if wrong is None else wrong.encode()) == (401, 401)
        assert statuses(f"Bearer {'s' * 16}") == (200, 403)
        assert statuses(f"bearer {'o' * 16}") == (200, 409)


# content of the file, what is wrong with it
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no token"),
        ("# nobody\n", "has no token"),
        ("shop\n", "tokens:1: write NAME TOKEN"),
        (f"shop {'s' * 16} root\n", "tokens:1: write NAME TOKEN"),
        ("shop short\n", "tokens:1: the token of shop has under 16 characters"),
        (f"a {'s' * 16}\nb {'s' * 16}\n", "tokens:2: b and a have the same token"),
    ],
)
def test_a_wrong_file_of_tokens_is_refused(tmp_path, content, message):
    path = tmp_path / "tokens"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        Tokens.from_file(path)


def test_without_tokens_everybody_may():
    assert Tokens.from_file(None).client(None, admin=True) == Client(None, is_admin=True)


def test_named_origins_and_no_others_are_allowed(block_onnx, client, serving):
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    assert client.options("/api/ocr", headers=preflight).status_code == 405
    config = ServeConfig(model=str(block_onnx), cors_origin=("https://shop.example",))
    with serving(config) as running, running.client() as allowing:
        answer = allowing.options("/api/ocr", headers=preflight)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        other = allowing.get("/api/limits", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
    with pytest.raises(ValueError, match="is no origin; write it like"):
        ServeConfig(cors_origin=("*",))

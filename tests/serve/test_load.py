"""Many at once, too many, too late, and the end: what was taken is answered."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ocrtune.config import ServeConfig

TEXTS = [
    "".join(random.Random(number).choices("abc ", k=1 + number % 14)).strip() or "a" for number in range(64)
]


def read(client, image, **parameters):
    return client.post("/api/ocr", params={"mode": "line", **parameters}, files={"image": ("x", image)})


@pytest.mark.slow
def test_64_clients_are_answered_as_one(running, line_png):
    """Lines of all widths mixed, so that batches are of many requests."""
    images = [line_png(text) for text in TEXTS]
    with running.client() as client:
        alone = [read(client, image).json() for image in images]
    assert [answer["text"][0]["text"] for answer in alone] == TEXTS
    start = threading.Barrier(64)

    def ask(number):
        with running.client() as client:
            start.wait(60)
            order = [(number + step) % len(images) for step in range(5)]
            return [(i, read(client, images[i]).json()) for i in order]

    with ThreadPoolExecutor(64) as threads:
        answers = [answer for own in threads.map(ask, range(64)) for answer in own]
    assert len(answers) == 320
    for i, answer in answers:
        (line,), (expected,) = answer["text"], alone[i]["text"]
        assert line["text"] == expected["text"]
        assert line["confidence"] == pytest.approx(expected["confidence"], abs=1e-4)
        assert [c["box"] for c in line["characters"]] == [c["box"] for c in expected["characters"]]
    metrics = running.client().get("/metrics").text
    assert "ocrtune_requests_taken 0.0" in metrics
    assert "ocrtune_pixels_in_memory 0.0" in metrics


class HeldQueue:
    """Keeps the service's recogniser from answering until it is let go."""

    def __init__(self, running, monkeypatch):
        self.go, self.held = threading.Event(), threading.Semaphore(0)
        recognizer = running.service.registry.active.queue._recognizer
        original = recognizer.recognize

        def recognize(images):
            self.held.release()
            assert self.go.wait(60)
            return original(images)

        monkeypatch.setattr(recognizer, "recognize", recognize)


def test_too_many_are_told_to_come_again(block_onnx, line_png, serving, monkeypatch):
    config = ServeConfig(model=str(block_onnx), queue=2, deadline=600)
    with serving(config) as running, running.client() as client, ThreadPoolExecutor(2) as threads:
        held = HeldQueue(running, monkeypatch)
        taken = []
        for text in ("ab", "bc"):
            taken.append(threads.submit(read, running.client(), line_png(text)))
            held.held.acquire(timeout=60)
        refused = read(client, line_png("a"))
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "1"
        assert refused.json() == {
            "error": "busy",
            "message": "2 requests are waiting; at most 2 are taken",
            "limit": 2,
            "got": 2,
            "unit": "requests",
        }
        assert client.get("/healthz").status_code == 200
        held.go.set()
        assert [t.result(60).json()["text"][0]["text"] for t in taken] == ["ab", "bc"]
        assert read(client, line_png("a")).status_code == 200


def test_a_request_is_given_up_at_its_deadline(block_onnx, line_png, serving, monkeypatch):
    with serving(ServeConfig(model=str(block_onnx), deadline=3)) as running, running.client() as client:
        held = HeldQueue(running, monkeypatch)
        late = read(client, line_png("ab"))
        assert (late.status_code, late.json()["error"]) == (504, "deadline_exceeded")
        held.go.set()
        assert read(client, line_png("ab")).json()["text"][0]["text"] == "ab"
        assert running.service._taken == 0


def test_what_was_taken_is_answered_before_the_end(block_onnx, line_png, serving, monkeypatch):
    config = ServeConfig(model=str(block_onnx), deadline=600)
    with serving(config) as running, ThreadPoolExecutor(8) as threads:
        held = HeldQueue(running, monkeypatch)
        images = [line_png(text) for text in TEXTS[:8]]
        taken = [threads.submit(read, running.client(), image) for image in images]
        for _ in range(2):  # both threads that read have work, the other lines wait
            assert held.held.acquire(timeout=60)
        while running.service._taken < 8:
            threading.Event().wait(0.01)
        running.server.should_exit = True
        held.go.set()
        answers = [t.result(60) for t in taken]
    assert [a.json()["text"][0]["text"] for a in answers] == TEXTS[:8]


@pytest.mark.slow
def test_the_command_serves_and_stops_without_complaint(block_onnx, line_png):
    """As a user starts it: the address is told, the signal ends it, no process stays."""
    import httpx2
    import psutil

    process = subprocess.Popen(
        [sys.executable, "-m", "ocrtune", "serve", "-m", str(block_onnx), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    told = process.stderr.readline()
    address, _, what = told.partition(" ")
    assert what.startswith("reads with blocks (")
    with httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        assert read(client, line_png("cab")).json()["text"][0]["text"] == "cab"
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []


def test_a_port_that_is_taken_is_told(running):
    port = running.url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "ocrtune", "serve", "--port", port],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr

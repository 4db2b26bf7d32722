"""A running service and clients for it, for the benchmarks."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PAGE_SHARE = 20
"""One request in so many is a page."""


@dataclass(frozen=True)
class Item:
    """A request, ready to be sent."""

    name: str
    path: str
    body: bytes
    content_type: str


class Service:
    """A running `ocrtune serve`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = psutil.Process(process.pid)
        self.port = port

    def connect(self) -> http.client.HTTPConnection:
        """A connection of its own for a client."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def memory(self) -> int:
        """Bytes that its processes hold; what they share counts once."""
        return sum(p.memory_full_info().pss for p in self._tree())

    def own_memory(self) -> int:
        """Bytes that its processes hold, without files, which are shared with whoever has them open."""
        return sum(info.rss - info.shared for info in (p.memory_info() for p in self._tree()))

    def cpu_seconds(self) -> float:
        """Of its processes so far."""
        times = [p.cpu_times() for p in self._tree()]
        return sum(t.user + t.system for t in times)

    def _tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def served(*options: str) -> Iterator[Service]:
    """A service of its own for a measurement."""
    command = [sys.executable, "-m", "ocrtune", "serve", "--port", "0", "--deadline", "600", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        if not told.startswith("http://"):
            sys.exit(told + process.stderr.read())
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield Service(process, int(told.split()[0].rpartition(":")[2]))
        finally:
            process.terminate()
            if process.wait(120) != 0:
                sys.exit(f"the service ended with {process.returncode}")


def post(connection: http.client.HTTPConnection, item: Item) -> tuple[int, dict[str, Any]]:
    """Send one request and wait for its answer."""
    connection.request("POST", item.path, item.body, {"Content-Type": item.content_type})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def upload(name: str, content: bytes, path: str) -> Item:
    """A multipart request with one image."""
    boundary = uuid.uuid5(uuid.NAMESPACE_URL, name).hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return Item(name, path, body, f"multipart/form-data; boundary={boundary}")


def mixed(data: Path, count: int, seed: int = 0) -> list[Item]:
    """Requests for lines and pages, every `PAGE_SHARE`-th a page, in a random order."""
    pages = sorted((data / "receipt-pages").glob("*.jpg"))
    rows = (data / "receipts" / "val" / "labels.txt").read_text(encoding="utf-8").splitlines()
    lines = [data / "receipts" / "val" / row.split("\t")[0] for row in rows]
    if not pages:
        sys.exit(f"there are no pages in {data / 'receipt-pages'}")
    items = []
    for number in range(count):
        if number % PAGE_SHARE == PAGE_SHARE - 1:
            file = pages[number // PAGE_SHARE % len(pages)]
            items.append(upload(file.name, file.read_bytes(), "/api/ocr"))
        else:
            file = lines[number % len(lines)]
            items.append(upload(file.name, file.read_bytes(), "/api/ocr?mode=line"))
    random.Random(seed).shuffle(items)
    return items


def ask_all(
    service: Service, items: Sequence[Item], clients: int, observe: Callable[[Item, int, Any], None]
) -> list[float]:
    """Send requests from several clients at once; the seconds that each took."""
    waiting = iter(items)
    lock = threading.Lock()
    seconds: list[float] = []

    def client() -> None:
        connection = service.connect()
        while True:
            with lock:
                if (item := next(waiting, None)) is None:
                    return
            began = time.monotonic()
            status, answer = post(connection, item)
            took = time.monotonic() - began
            with lock:
                seconds.append(took)
                observe(item, status, answer)

    with ThreadPoolExecutor(clients) as threads:
        for future in [threads.submit(client) for _ in range(clients)]:
            future.result()
    return seconds


def texts(answer: dict[str, Any]) -> list[tuple[str, float]]:
    """Text and confidence of each line."""
    return [(line["text"], line["confidence"]) for line in answer["text"]]

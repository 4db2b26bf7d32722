"""The service under load, over a long time, while models are switched, and with hostile files.

    python bench/serve.py start|load|soak|switch|hostile … --data DIR [--scale 0.1]

DIR holds `receipts/val` (lines with labels.txt) and `receipt-pages` (images of whole pages). One request
in twenty is a page. The service runs as its users start it, in processes of its own; clients are threads here
and take their share of the same cores. Times of a busy machine say little: processor time of the service's
processes stands beside them.

start    seconds from the command to the first answered line; bar: 3
load     64 clients x 50 requests against one; bars: same texts, confidences within 1e-4, 0.9 x its rate
soak     10,000 requests of 16 clients; bar: memory after the first 500 grows by less than 1 MB per 1,000
switch   20 switches under 64 clients; bar: no failed answer, none of two models
hostile  the files of tests/serve/test_hostile.py; bars: right status, memory below 1.5 GB, an answer after
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from service import PAGE_SHARE, Item, ask_all, mixed, post, served, texts, upload

MIB = 2**20

SOAK_BLOCK = 500
"""Requests between two looks at memory."""


def measure_start(options: argparse.Namespace) -> dict[str, Any]:
    """The command to its first answer, three times."""
    item = next(item for item in mixed(options.data, 2) if "mode=line" in item.path)
    walls, cpus = [], []
    for _ in range(3):
        began = time.monotonic()
        with served() as service:
            status, answer = post(service.connect(), item)
            walls.append(time.monotonic() - began)
            cpus.append(service.cpu_seconds())
            assert status == 200, answer
    return {"seconds": statistics.median(walls), "cpu_seconds": statistics.median(cpus), "bar_seconds": 3}


def measure_load(options: argparse.Namespace) -> dict[str, Any]:
    """One client alone, then 64, with the same requests."""
    items = mixed(options.data, max(64, round(64 * 50 * options.scale)))
    unlike: list[str] = []
    largest = 0.0
    with served() as service:
        alone: dict[str, list[tuple[str, float]]] = {}

        def keep(item: Item, status: int, answer: Any) -> None:
            if status != 200:
                raise SystemExit(f"{item.name}: {status} {answer}")
            alone[item.name] = texts(answer)

        def compare(item: Item, status: int, answer: Any) -> None:
            nonlocal largest
            found = texts(answer) if status == 200 else [(f"{status}", 0.0)]
            expected = alone[item.name]
            if [text for text, _ in found] != [text for text, _ in expected]:
                unlike.append(item.name)
                return
            for (_, a), (_, b) in zip(found, expected, strict=True):
                largest = max(largest, abs(a - b))

        ask_all(service, items[:PAGE_SHARE], 1, lambda *_: None)  # warm
        figures: dict[str, Any] = {"requests": len(items)}
        for name, clients, observe in (("alone", 1, keep), ("64 clients", 64, compare)):
            began, cpu = time.monotonic(), service.cpu_seconds()
            seconds = sorted(ask_all(service, items, clients, observe))
            figures[name] = {
                "requests_per_second": len(items) / (time.monotonic() - began),
                "cpu_ms_per_request": (service.cpu_seconds() - cpu) / len(items) * 1000,
                "p50_seconds": seconds[len(seconds) // 2],
                "p99_seconds": seconds[int(len(seconds) * 0.99)],
            }
    figures["rate_ratio"] = (
        figures["64 clients"]["requests_per_second"] / figures["alone"]["requests_per_second"]
    )
    figures["unlike_texts"] = len(unlike)
    figures["first_unlike"] = unlike[:5]
    figures["largest_confidence_difference"] = largest
    return figures


def measure_soak(options: argparse.Namespace) -> dict[str, Any]:
    """Memory at rest after every 500 requests: between them, pages in flight take 100 MiB now and then.

    Without mapped files, of which a program has less, the more others have them open.
    """
    count = max(1500, round(10_000 * options.scale))
    items = mixed(options.data, count)
    readings: list[tuple[int, float]] = []
    failed: list[str] = []
    with served() as service:

        def observe(item: Item, status: int, answer: Any) -> None:
            if status != 200:
                failed.append(f"{item.name}: {status}")

        for start in range(0, count, SOAK_BLOCK):
            block = items[start : start + SOAK_BLOCK]
            ask_all(service, block, 16, observe)
            time.sleep(1)
            readings.append((start + len(block), service.own_memory() / MIB))
            print(f"{readings[-1][0]} requests, {readings[-1][1]:.1f} MiB", file=sys.stderr, flush=True)
    slope = float(np.polyfit([n / 1000 for n, _ in readings], [m for _, m in readings], 1)[0])
    return {
        "requests": count,
        "failed": len(failed),
        "mib_after_500": readings[0][1],
        "mib_at_the_end": readings[-1][1],
        "mib_per_1000": slope,
        "readings": readings,
    }


def measure_switch(options: argparse.Namespace) -> dict[str, Any]:
    """Switches between the base and itself with its letters' case exchanged, which shows in every text."""
    count = max(3, round(20 * options.scale))
    items = mixed(options.data, 160)
    with tempfile.TemporaryDirectory() as temporary:
        write_swapped_base(Path(temporary) / "swapped.onnx")
        with served("--models", temporary) as service:
            expected: dict[str, list[str]] = {}

            def keep(item: Item, status: int, answer: Any) -> None:
                expected[item.name] = [text for text, _ in texts(answer)]

            ask_all(service, items, 4, keep)
            wrong: list[str] = []
            seen: dict[str, int] = {}
            stop = threading.Event()

            def check(item: Item, status: int, answer: Any) -> None:
                model = answer.get("model", str(status))
                seen[model] = seen.get(model, 0) + 1
                found = [text for text, _ in texts(answer)] if status == 200 else None
                wanted = expected[item.name]
                if found != (wanted if model == "ppocrv6-small" else [swap_case(t) for t in wanted]):
                    wrong.append(f"{item.name}: {status} {model}")

            def load() -> None:
                while not stop.is_set():
                    ask_all(service, items, 64, check)

            thread = threading.Thread(target=load)
            thread.start()
            seconds = []
            connection = service.connect()
            for number in range(count):
                name = ("swapped", "ppocrv6-small")[number % 2]
                began = time.monotonic()
                connection.request(
                    "PUT",
                    "/api/models/active",
                    json.dumps({"model": name}),
                    {"Content-Type": "application/json"},
                )
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status != 200 or answer["active"] != name:
                    wrong.append(f"switch {number}: {response.status} {answer}")
                seconds.append(time.monotonic() - began)
            stop.set()
            thread.join()
            memory = service.memory() / MIB
    return {
        "switches": count,
        "seconds_per_switch": statistics.median(seconds),
        "answers": seen,
        "wrong": len(wrong),
        "first_wrong": wrong[:5],
        "mib_at_the_end": memory,
    }


def measure_hostile(options: argparse.Namespace) -> dict[str, Any]:
    """Every hostile file as a line and as a page, four clients, the memory watched all the while."""
    corpus = load_corpus()
    wrong: list[str] = []
    peak = 0
    stop = threading.Event()
    with served() as service:

        def watch() -> None:
            nonlocal peak
            while not stop.wait(0.02):
                try:
                    peak = max(peak, service.memory())
                except psutil.NoSuchProcess:  # a decoder that was just replaced
                    continue

        expected, items = {}, []
        for name, (make, status, _) in corpus.items():
            content = make()
            for mode in ("line", "page"):
                items.append(upload(f"{name} ({mode})", content, f"/api/ocr?mode={mode}"))
                expected[items[-1].name] = status
        good = next(item for item in mixed(options.data, 2) if "mode=line" in item.path)
        _, before = post(service.connect(), good)

        def observe(item: Item, status: int, answer: Any) -> None:
            if status != expected[item.name]:
                wrong.append(f"{item.name}: {status} {answer.get('message')}")

        watcher = threading.Thread(target=watch)
        watcher.start()
        ask_all(service, items, 4, observe)
        stop.set()
        watcher.join()
        status, after = post(service.connect(), good)
        if status != 200 or texts(after) != texts(before):
            wrong.append(f"afterwards: {status}")
    return {
        "files": len(corpus),
        "requests": len(items),
        "wrong": wrong,
        "peak_mib": peak / MIB,
        "bar_mib": 1536,
    }


def load_corpus() -> dict[str, tuple[Callable[[], bytes], int, str | None]]:
    """The files of the tests."""
    path = Path(__file__).resolve().parents[1] / "tests" / "serve" / "test_hostile.py"
    spec = importlib.util.spec_from_file_location("test_hostile", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.HOSTILE  # type: ignore[no-any-return]


def write_swapped_base(target: Path, *, swap: bool = True) -> None:
    """The base as a file of ours, with its letters a-z and A-Z exchanged, or as they are."""
    import onnx

    from ocrtune.bundle import ONNX_METADATA_KEY
    from ocrtune.reading.models import find_model

    found = find_model()
    symbols = found.manifest.symbols
    manifest = found.manifest.model_copy(
        update={
            "name": "swapped" if swap else "as-it-is",
            "symbols": tuple(map(swap_case, symbols)) if swap else symbols,
        }
    )
    model = onnx.load(found.onnx_path)
    onnx.helper.set_model_props(model, {ONNX_METADATA_KEY: manifest.model_dump_json()})
    buffer = io.BytesIO()
    onnx.save(model, buffer)
    target.write_bytes(buffer.getvalue())


def swap_case(text: str) -> str:
    """ASCII letters exchanged, everything else as it is."""
    return "".join(c.swapcase() if c.isascii() else c for c in text)


PARTS = {
    "start": measure_start,
    "load": measure_load,
    "soak": measure_soak,
    "switch": measure_switch,
    "hostile": measure_hostile,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--data", type=Path, required=True, help="folder with receipts/val and receipt-pages")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the requests and switches")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    figures: dict[str, Any] = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0]}
    for part in options.parts:
        figures[part] = PARTS[part](options)
        print(part, json.dumps(figures[part], indent=1), flush=True)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

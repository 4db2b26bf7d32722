"""Images per second: packing a folder of line images into an LMDB, and reading it with four processes.

    python bench/pack.py
    python bench/pack.py --lines 50000 --format png

The lines are drawn here with OpenCV, 32 px high and 60 to 400 px wide. The folder is warm, as just written.
Reading decodes every image as training does; each process reads its quarter, and the time counts from the
first image to the last, when all processes have started.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import tempfile
import time
from pathlib import Path

import cv2
import lmdb
import numpy as np

from ocrtune.data.dataset import open_dataset
from ocrtune.data.lmdb_store import pack

READERS = 4


def make_lines(folder: Path, lines: int, suffix: str) -> None:
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    labels = []
    for i in range(lines):
        text = "".join(map(str, rng.integers(0, 10, rng.integers(3, 24))))
        image = np.full((32, 16 * len(text) + 12), 235, np.uint8)
        cv2.putText(image, text, (6, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 20, 1, cv2.LINE_AA)
        noisy = image + rng.integers(-8, 8, image.shape).astype(np.int16)
        cv2.imwrite(str(folder / f"images/{i:06d}.{suffix}"), np.clip(noisy, 0, 255).astype(np.uint8))
        labels.append(f"images/{i:06d}.{suffix}\t{text}\n")
    (folder / "labels.txt").write_text("".join(labels), encoding="utf-8")


def read_part(path: str, part: int, start: float) -> tuple[float, float]:
    """Decode every fourth image; when it began and ended."""
    dataset = open_dataset(path)
    time.sleep(max(0.0, start - time.time()))
    begun = time.time()
    for index in range(part, len(dataset), READERS):
        dataset.image(index)
    return begun, time.time()


def read(path: Path, method: str, lines: int) -> float:
    with multiprocessing.get_context(method).Pool(READERS) as pool:
        start = time.time() + 5  # all processes have started and opened the labels by then
        spans = pool.starmap(read_part, [(str(path), part, start) for part in range(READERS)], chunksize=1)
    return lines / (max(end for _, end in spans) - min(begun for begun, _ in spans))


def cpu_name() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(": ")[2] if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--format", choices=("jpg", "png"), default="jpg")
    options = parser.parse_args()
    name = cpu_name() if Path("/proc/cpuinfo").exists() else platform.processor()
    print(
        f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        if hasattr(os, "getloadavg")
        else name
    )
    print(f"Python {platform.python_version()}, lmdb {lmdb.__version__}, OpenCV {cv2.__version__}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_lines(folder / "lines", options.lines, options.format)
        size = sum(path.stat().st_size for path in (folder / "lines/images").iterdir())
        print(f"{options.lines} {options.format} images of {size / options.lines / 1024:.1f} KiB")
        for verify in ("header", "full"):
            begun, worked = time.perf_counter(), time.process_time()
            pack([open_dataset(str(folder / "lines"))], folder / verify, verify=verify)
            wall, cpu = time.perf_counter() - begun, time.process_time() - worked
            rate = f"{options.lines / wall:,.0f} images/s, {options.lines / cpu:,.0f} per second of one core"
            print(f"pack --verify {verify}, labels read too: {rate}")
        print(f"data.mdb over images: {(folder / 'header/data.mdb').stat().st_size / size:.2f}")
        for method in multiprocessing.get_all_start_methods():
            if method != "forkserver":
                rate = read(folder / "header", method, options.lines)
                print(f"read with {READERS} processes by {method}: {rate:,.0f} images/s")


if __name__ == "__main__":
    main()

"""Memory and processor time of `ocrtune data check` on many small images in an LMDB.

    python bench/check.py --lines 1000000 --folder /big/disk

The lines are drawn here with OpenCV, each anew and with noise: 20 to 28 px high, texts of 2 to 12 symbols, a
third of them frequent words. Memory is that of the process that checks, looked at ten times a second: what it
holds itself, and with the pages of the LMDB that the system keeps mapped for it and takes back when it needs
them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import lmdb
import numpy as np
from pack import cpu_name

from ocrtune.data.lmdb_reading import image_key, label_key
from ocrtune.data.lmdb_store import put_records

BATCH = 2000
FREQUENT = 1000
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL)
LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the LMDB is made, 2 KB a line; it is removed")
    options = parser.parse_args()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{cpu_name()}, {os.cpu_count()} cores{load}", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary, "lines")
        begun = time.process_time()
        write_lines(folder, options.lines)
        size = (folder / "data.mdb").stat().st_size
        print(
            f"{options.lines:,} lines made in {time.process_time() - begun:.0f} s of processor time: "
            f"{size / 2**20:,.0f} MiB",
            flush=True,
        )
        audit = Path(temporary, "audit.json")
        seconds, own, mapped = check(folder, audit)
        findings = json.loads(audit.read_text(encoding="utf-8"))["findings"]
        rate = f"{options.lines / seconds:,.0f} lines/s of one core"
        print(f"checked in {seconds:.0f} s of processor time, {rate}")
        print(
            f"peak memory: {own / 2**20:,.0f} MiB of its own ({own / options.lines:,.0f} bytes a line), "
            f"{mapped / 2**20:,.0f} MiB with mapped pages"
        )
        print("found: " + (", ".join(f"{f['count']:,} {f['name']}" for f in findings) or "nothing"))


def write_lines(folder: Path, lines: int) -> None:
    folder.mkdir()
    with lmdb.open(str(folder), map_size=2**24, lock=False, sync=False) as environment:
        chance = np.random.default_rng(0)
        words = list(texts(chance, FREQUENT))
        labels = []
        for first in range(0, lines, BATCH):
            count = min(BATCH, lines - first)
            batch = list(texts(chance, count))
            for i in np.flatnonzero(chance.random(count) < 1 / 3):
                batch[i] = words[int(len(words) * chance.random() ** 3)]
            records = [
                (image_key(first + i + 1).encode(), draw(text, chance)) for i, text in enumerate(batch)
            ]
            put_records(environment, records, append=True)
            labels += batch
        for first in range(0, lines, BATCH):
            part = enumerate(labels[first : first + BATCH], start=first + 1)
            put_records(environment, [(label_key(i).encode(), t.encode()) for i, t in part], append=True)
        put_records(environment, [(b"num-samples", str(lines).encode())])


def texts(chance: np.random.Generator, count: int) -> Iterator[str]:
    for length in chance.integers(2, 13, count):
        yield "".join(chance.choice(LETTERS, length))


def draw(text: str, chance: np.random.Generator) -> bytes:
    """A JPEG: a font, a size, a place and noise of its own."""
    height = int(chance.integers(20, 29))
    scale = 0.5 + 0.15 * chance.random()
    paper, ink = int(chance.integers(200, 250)), int(chance.integers(10, 70))
    image = np.full((height, int(26 * scale * len(text)) + 12), paper, np.uint8)
    place = (int(chance.integers(2, 9)), int(height * 0.7 + chance.integers(-1, 3)))
    cv2.putText(image, text, place, FONTS[chance.integers(len(FONTS))], scale, ink, 1, cv2.LINE_AA)
    cv2.randn(noise := np.empty(image.shape, np.int8), 0, 4)
    noisy = cv2.add(image, noise, dtype=cv2.CV_8U)
    return cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def check(folder: Path, audit: Path) -> tuple[float, int, int]:
    """Processor seconds, and the peak of bytes held by the process itself and with mapped files."""
    command = [sys.executable, "-m", "ocrtune", "data", "check", str(folder), "--json", str(audit)]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        process = subprocess.Popen([*command, "--max-bad", "1"], stdout=nowhere)
    own = mapped = 0
    status = Path(f"/proc/{process.pid}/status")
    seconds = 0.0
    while process.poll() is None:
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        except OSError:  # it ended in between
            break
        if "RssAnon" in fields:
            own = max(own, 1024 * int(fields["RssAnon"].split()[0]))
            mapped = max(mapped, 1024 * int(fields["VmRSS"].split()[0]))
        seconds = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        time.sleep(0.1)
    if process.wait():
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return seconds, own, mapped


if __name__ == "__main__":
    main()

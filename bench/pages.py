"""Whole receipt pages: time and word F1 against RapidOCR as installed, same weights, page by page in turn.

    python bench/pages.py --data DIR [--repeat 3] [--clean deskew …] [--json FILE]

DIR holds `receipt-pages`: NAME.jpg and NAME.json. Word F1 is that of case-folded bags of words, summed over
pages. Times are medians over pages of each page's best; processor time is of the whole process, all threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from commands import machine

import ocrtune
from ocrtune.data.images import read_image
from ocrtune.reading.cleaning import Cleaning
from ocrtune.records import Image


@dataclass
class Engine:
    """One of the two, and what was counted for it."""

    read: Callable[[Image], list[str]]
    shared: int = 0
    given: int = 0
    wanted: int = 0
    wall: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)

    def take(self, name: str, image: Image, truth: Counter[str]) -> None:
        """Read a page once; its words count the first time."""
        wall, processor = time.perf_counter(), time.process_time()
        texts = self.read(image)
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        if name not in self.wall:
            words = bag(texts)
            self.shared += (words & truth).total()
            self.given += words.total()
            self.wanted += truth.total()
        self.wall.setdefault(name, []).append(wall)
        self.processor.setdefault(name, []).append(processor)

    def figures(self) -> dict[str, float]:
        """Seconds for a page, and fractions of words."""
        return {
            "wall": statistics.median(map(min, self.wall.values())),
            "processor": statistics.median(map(min, self.processor.values())),
            "word_f1": 2 * self.shared / (self.given + self.wanted),
            "word_recall": self.shared / self.wanted,
            "word_precision": self.shared / self.given,
        }


def bag(texts: list[str]) -> Counter[str]:
    return Counter(word for text in texts for word in text.upper().split())


def rapidocr() -> Engine:
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "error"})

    def read(image: Image) -> list[str]:
        bgr = image[..., ::-1] if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
        return list(engine(np.ascontiguousarray(bgr)).txts or ())

    return Engine(read)


def ours(model: str | None, cleaning: Cleaning) -> Engine:
    reader = ocrtune.load(model).page_reader
    return Engine(lambda image: [line.prediction.text for line in reader.read(image, cleaning).lines])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with receipt-pages")
    parser.add_argument("--model", help="instead of the base; word F1 then compares unlike weights")
    parser.add_argument("--clean", nargs="*", default=[], help="changes to the pages, for ocrtune")
    parser.add_argument("--repeat", type=int, default=3, help="times that each page is read by each")
    parser.add_argument("--only-ours", action="store_true", help="leave RapidOCR out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(machine(), flush=True)
    engines = {"ocrtune": ours(options.model, Cleaning.of(options.clean))}
    if not options.only_ours:
        engines["rapidocr"] = rapidocr()
    pages = sorted((options.data / "receipt-pages").glob("*.jpg"))
    for repeat in range(options.repeat):
        for index, path in enumerate(pages):
            image = read_image(path)
            truth = bag([line["text"] for line in json.loads(path.with_suffix(".json").read_text())])
            if (repeat, index) == (0, 0):
                for engine in engines.values():
                    engine.read(image)  # loads and warms
            # Whoever comes second finds the page in the processor's cache: they take turns.
            for name in sorted(engines, reverse=bool((repeat + index) % 2)):
                engines[name].take(path.name, image, truth)
    figures = {name: engine.figures() for name, engine in engines.items()}
    for name, values in figures.items():
        shown = ", ".join(f"{key} {value:.3f}" for key, value in values.items())
        print(f"{name:9} {shown}")
    if "rapidocr" in figures:
        ratios = {key: figures["ocrtune"][key] / figures["rapidocr"][key] for key in ("wall", "processor")}
        print("ratio     " + ", ".join(f"{key} {ratio:.3f}" for key, ratio in ratios.items()))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "pages": len(pages), "figures": figures}))


if __name__ == "__main__":
    main()

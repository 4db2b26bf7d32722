"""Whole receipt pages, and the recogniser alone, against RapidOCR as installed: same weights, in turn.

    python bench/pages.py [pages] [lines] --data DIR [--int8 [FILE]] [--repeat 3] [--json FILE]

DIR holds `receipt-pages` (NAME.jpg and NAME.json) and `receipts` (train and val, each with labels.txt).

pages   the 20 pages, one at a time; word F1 is that of case-folded bags of words, summed over pages
lines   the lines of receipts/val, BLOCK at a time, by each engine's recogniser alone; CER ignores case

--int8 adds ocrtune with the base in 8 bits, exported here on receipts/train, or as it is in FILE. All keep
the threads that they choose by themselves; those of RapidOCR spin while they wait, so on a busy machine only
--threads 1 compares the work. Each page or block counts with the median of its times; shown are
the median page, and all lines over the sum of blocks. Processor time is of the whole process, all threads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from commands import machine

import ocrtune
from ocrtune.data.dataset import open_dataset
from ocrtune.data.images import read_image
from ocrtune.evaluate.metrics import measure
from ocrtune.reading.cleaning import Cleaning
from ocrtune.records import Image

BLOCK = 100
"""Lines that are given to a recogniser at once: those of two receipts."""

RIVAL = "rapidocr"


@dataclass
class Engine:
    """One of those compared, and what was counted for it."""

    read: Callable[[Any], Sequence[str]]
    texts: dict[str, list[str]] = field(default_factory=dict)
    wall: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)

    def take(self, name: str, given: object) -> None:
        """Read a page or a block of lines once, against the clock."""
        wall, processor = time.perf_counter(), time.process_time()
        texts = self.read(given)
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        self.texts.setdefault(name, list(texts))
        self.wall.setdefault(name, []).append(wall)
        self.processor.setdefault(name, []).append(processor)

    def seconds(self) -> dict[str, list[float]]:
        """Median wall and processor time of each page or block."""
        return {
            clock: [statistics.median(times) for times in taken.values()]
            for clock, taken in (("wall", self.wall), ("processor", self.processor))
        }


def take_turns(engines: Mapping[str, Engine], units: Mapping[str, Callable[[str], Any]], rounds: int) -> None:
    """Let every engine read every unit, `rounds` times.

    Args:
        engines: by name.
        units: what makes the input of an engine of this name, by the unit's name.
        rounds: times that all is read.
    """
    names = sorted(engines)
    for name in names:
        engines[name].read(next(iter(units.values()))(name))  # loads and warms
    for number in range(rounds):
        for index, (unit, make) in enumerate(units.items()):
            # Whoever comes later finds the machine warm: each is first as often as the others.
            turn = (number + index) % len(names)
            for name in names[turn:] + names[:turn]:
                engines[name].take(unit, make(name))


def measure_pages(options: argparse.Namespace, int8: Path | None) -> dict[str, dict[str, float]]:
    """Seconds for the median page, and words, as fractions."""
    cleaning = Cleaning.of(options.clean)

    def ours(model: str | None) -> Engine:
        reader = ocrtune.load(model).page_reader
        return Engine(lambda image: [line.prediction.text for line in reader.read(image, cleaning).lines])

    engines = all_engines(ours, options, int8)
    if not options.only_ours:
        rival = rapidocr(options.threads)
        engines[RIVAL] = Engine(lambda image: list(rival(image).txts or ()))
    files = sorted((options.data / "receipt-pages").glob("*.jpg"))[:: options.every]
    pages = {path.name: read_image(path) for path in files}
    truths = {
        path.name: bag(line["text"] for line in json.loads(path.with_suffix(".json").read_text()))
        for path in files
    }
    take_turns(
        engines,
        {
            name: lambda engine, image=image: as_bgr(image) if engine == RIVAL else image  # type: ignore[misc]
            for name, image in pages.items()
        },
        options.repeat,
    )
    figures = {}
    for name, engine in engines.items():
        bags = {page: bag(texts) for page, texts in engine.texts.items()}
        shared = sum((bags[page] & truths[page]).total() for page in bags)
        given, wanted = (sum(words.total() for words in side.values()) for side in (bags, truths))
        figures[name] = {
            **{clock: statistics.median(seconds) for clock, seconds in engine.seconds().items()},
            "word_f1": 2 * shared / (given + wanted),
            "word_recall": shared / wanted,
            "word_precision": shared / given,
        }
    return figures


def measure_lines(options: argparse.Namespace, int8: Path | None) -> dict[str, dict[str, float]]:
    """Lines in a second of wall and of processor time, CER as a fraction."""

    def ours(model: str | None) -> Engine:
        recognizer = ocrtune.load(model).recognizer
        return Engine(lambda images: [prediction.text for prediction in recognizer.recognize(images)])

    engines = all_engines(ours, options, int8)
    if not options.only_ours:
        from rapidocr.ch_ppocr_rec import TextRecInput

        recognizer = rapidocr(options.threads)._load_rec_model()  # what it makes of its own configuration
        engines[RIVAL] = Engine(
            lambda images: recognizer(TextRecInput(img=images, return_word_box=False)).txts
        )
    dataset = open_dataset(str(options.data / "receipts" / "val"))
    lines = [dataset[index] for index in range(0, len(dataset), options.every)]
    blocks = {f"lines from {first}": lines[first : first + BLOCK] for first in range(0, len(lines), BLOCK)}
    take_turns(
        engines,
        {
            name: lambda engine, block=block: [  # type: ignore[misc]
                as_bgr(line.image) if engine == RIVAL else line.image for line in block
            ]
            for name, block in blocks.items()
        },
        options.repeat,
    )
    figures = {}
    for name, engine in engines.items():
        read = [text for block in blocks for text in engine.texts[block]]
        pairs = zip((line.text for line in lines), read, strict=True)
        figures[name] = {
            **{f"lines/{clock} s": len(lines) / sum(seconds) for clock, seconds in engine.seconds().items()},
            "cer": measure(pairs, ignore_case=True).cer,
        }
    return figures


def all_engines(
    ours: Callable[[str | None], Engine], options: argparse.Namespace, int8: Path | None
) -> dict[str, Engine]:
    """Those of ocrtune, by name."""
    engines = {"ocrtune": ours(options.model)}
    if int8 is not None:
        engines["ocrtune int8"] = ours(str(int8))
    return engines


def rapidocr(threads: int | None) -> Any:
    """RapidOCR as it is installed, with the threads it chooses or so many."""
    from rapidocr import RapidOCR

    params: dict[str, Any] = {"Global.log_level": "error"}
    if threads is not None:
        params["EngineConfig.onnxruntime.intra_op_num_threads"] = threads
    return RapidOCR(params=params)


def as_bgr(image: Image) -> Image:
    """What RapidOCR is given, made before the clock runs."""
    bgr = image[..., ::-1] if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    return np.ascontiguousarray(bgr)


def bag(texts: Any) -> Counter[str]:
    return Counter(word for text in texts for word in text.upper().split())


def export_base(data: Path, folder: Path) -> Path:
    """The base in 8 bits, calibrated on training lines."""
    from ocrtune.convert.int8 import export_int8

    target = folder / "base-int8.onnx"
    result = export_int8(
        "ppocrv6-small", target, data=[str(data / "receipts" / "train")], report=lambda said: None
    )
    print(f"int8: {result}", flush=True)
    return target


PARTS = {"pages": measure_pages, "lines": measure_lines}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="pages, lines; both by default")
    parser.add_argument("--data", type=Path, required=True, help="folder with receipt-pages and receipts")
    parser.add_argument("--model", help="instead of the base; texts then compare unlike weights")
    parser.add_argument(
        "--int8", nargs="?", const=True, metavar="FILE", help="the base in 8 bits, too; exported here or FILE"
    )
    parser.add_argument("--clean", nargs="*", default=[], help="changes to the pages, for ocrtune")
    parser.add_argument("--repeat", type=int, default=3, help="times that all is read by each")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="of pages and lines, one in N")
    parser.add_argument("--threads", type=int, help="for each network, and as many cores; else all choose")
    parser.add_argument("--only-ours", action="store_true", help="leave RapidOCR out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.threads:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])  # ocrtune goes by it
    ran_on = f"{machine()}, ONNX Runtime {onnxruntime.__version__}; load {os.getloadavg()[0]:.1f}"
    print(ran_on, flush=True)
    content: dict[str, Any] = {"machine": ran_on, "rounds": options.repeat, "every": options.every}
    with tempfile.TemporaryDirectory() as temporary:
        int8 = Path(options.int8) if isinstance(options.int8, str) else None
        if options.int8 is True:
            int8 = export_base(options.data, Path(temporary))
        for part in options.parts or PARTS:
            content[part] = figures = PARTS[part](options, int8)
            show(part, figures)
            if options.json:
                options.json.write_text(json.dumps(content, indent=1))


def show(part: str, figures: Mapping[str, Mapping[str, float]]) -> None:
    """A line for each engine, and its figures over those of RapidOCR."""
    print(part)
    for name, values in figures.items():
        print(f"  {name:13} " + ", ".join(f"{key} {value:.4g}" for key, value in values.items()))
    for name in figures.keys() - {RIVAL} if RIVAL in figures else ():
        ratios = ", ".join(f"{key} {value / figures[RIVAL][key]:.3f}" for key, value in figures[name].items())
        print(f"  {name} / {RIVAL}: {ratios}", flush=True)


if __name__ == "__main__":
    main()

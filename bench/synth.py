"""Made lines per second: fresh random texts of 25 characters, several fonts.

    python bench/synth.py
    python bench/synth.py --trdg-python ~/venv-trdg/bin/python    # compare with TextRecognitionDataGenerator

Fonts are those inside matplotlib that draw the texts. Figures per core are medians of rounds in processor
time, after a warm-up that fills the glyph cache; the first lines of a process are slower, and shown too. The
trdg interpreter needs `pip install trdg 'pillow<10'` in an environment of its own; it gets the same strings,
height and effects (skew, blur and noise), and both sides make finished images in memory on one core.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import string
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import gettempdir

import cv2
import numpy as np

from ocrtune.data.making import make
from ocrtune.synth.drawing import draw_encoded
from ocrtune.synth.font_search import find_fonts, matplotlib_font_folder
from ocrtune.synth.fonts import Font
from ocrtune.synth.generator import LineGenerator
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.recipe import Synthesis, SynthRecipe
from ocrtune.synth.render import LineRenderer
from ocrtune.synth.shaping import shape_line

SYMBOLS = string.ascii_letters + string.digits + ".,-" + " " * 8
LENGTH = 25
WARM_UP = 6000
"""Lines; with 20 fonts and 23 heights the glyph cache fills slowly."""

LIKE_TRDG = {
    "description": "what trdg's -k 2 -rk -bl 1 -rbl does by default, on its noise",
    "line_height": 32,
    "geometry": {"skew": {"probability": 1, "angle": [-2, 2]}, "margins": {"probability": 1, "sides": 0.15}},
    "paper": {"texture": {"probability": 1, "kind": "noise", "amplitude": 10}},
    "camera": {"blur": {"probability": 1, "sigma": [0, 0.03]}},
}

TRDG = """
import json, sys, time
from trdg.generators import GeneratorFromStrings
strings, fonts, count = json.load(sys.stdin)
generator = GeneratorFromStrings(
    strings, count=count, fonts=fonts, size=32, skewing_angle=2, random_skew=True, blur=1, random_blur=True,
    background_type=0,
)
start = time.process_time()
lines = sum(1 for image, text in generator if image is not None)
print(lines / (time.process_time() - start))
"""


def random_texts(count: int, rng: np.random.Generator) -> list[str]:
    return ["".join(rng.choice(list(SYMBOLS), LENGTH)).strip() or "x" for _ in range(count)]


Draw = Callable[[range], Iterable[object]]
"""Lines by their indices, as `LineGenerator.lines` draws them."""


def rate(draw: Draw, indices: range) -> float:
    """Lines per second of processor time."""
    start = time.process_time()
    for _ in draw(indices):
        pass
    return len(indices) / (time.process_time() - start)


def rates(draw: Draw, rounds: int, lines: int) -> tuple[float, float]:
    """Of the first lines, and the median after a warm-up; never the same line twice."""
    first = rate(draw, range(lines))
    rate(draw, range(lines, WARM_UP))
    starts = range(WARM_UP, WARM_UP + rounds * lines, lines)
    return first, statistics.median(rate(draw, range(start, start + lines)) for start in starts)


def synthesis(lines: int, profile: Profile, texts: list[str]) -> tuple[SynthRecipe, Synthesis]:
    """`texts` in the look of `profile`."""
    recipe = SynthRecipe.model_validate(
        {
            "texts": {"sources": [{"strings": texts}]},
            "lines": lines,
            "fonts": [str(matplotlib_font_folder())],
        }
    )
    built = recipe.build(Path())
    old = built.generator
    return recipe, Synthesis(LineGenerator(old.texts, old.fonts, profile), lines, built.notes)


def at_height(profile: Profile, height: int) -> Profile:
    return profile.model_copy(update={"line_height": (height, height)})


def clean_lines(fonts: tuple[Font, ...], texts: list[str], height: int, rounds: int, lines: int) -> None:
    renderer = LineRenderer()
    sizes = [height / font.line_height for font in fonts]

    def from_glyphs(indices: range) -> Iterator[object]:
        for i in indices:
            yield renderer.draw(shape_line(texts[i], [fonts[i % len(fonts)]]), sizes[i % len(fonts)])

    show(f"{height} px  clean letters alone", *rates(from_glyphs, rounds, lines))


def profile_lines(texts: list[str], height: int, rounds: int, lines: int) -> None:
    for name in ("clean", "receipt-thermal"):
        _, made = synthesis(len(texts), at_height(Profile.named(name), height), texts)
        show(f"{height} px  profile {name}", *rates(made.generator.lines, rounds, lines))


def stored_lines(texts: list[str], lines: int) -> None:
    """Wall time of one process that draws, encodes and writes."""
    recipe, made = synthesis(lines, at_height(Profile.named("receipt-thermal"), 32), texts)
    rate(made.generator.lines, range(lines, lines + WARM_UP))
    for name, as_lmdb in (("PNG folder", False), ("LMDB", True)):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            make(recipe, made, Path(folder) / "out", as_lmdb=as_lmdb, workers=1)
            speed = lines / (time.perf_counter() - start)
            print(f"32 px  receipt-thermal to {name} in {gettempdir()}, one process: {speed:,.0f} lines/s")


def scaling(texts: list[str], lines: int) -> None:
    """Wall time of `lines` a worker, one and two workers in turn."""
    _, made = synthesis(lines, at_height(Profile.named("receipt-thermal"), 32), texts)
    speeds: dict[int, list[float]] = {1: [], 2: []}
    for workers in (1, 2, 2, 1):
        start = 0.0
        for line in draw_encoded(made.generator, range(workers * (WARM_UP + lines)), workers=workers):
            # Each worker fills a cache of its own first.
            if line.index == workers * WARM_UP:
                start = time.perf_counter()
        speeds[workers].append(workers * lines / (time.perf_counter() - start))
    ratio = statistics.mean(speeds[2]) / statistics.mean(speeds[1])
    print(f"two workers draw and encode {ratio:.2f} times as many lines per second as one")


def memory(lines: int) -> None:
    """Growth of the peak between a tenth of the lines, all different, and all of them."""
    recipe = SynthRecipe.model_validate(
        {
            "texts": {"sources": [{"symbols": SYMBOLS, "lengths": [LENGTH, LENGTH]}]},
            "lines": lines,
            "profile": "receipt-thermal",
            "fonts": [str(matplotlib_font_folder())],
        }
    )
    generator = recipe.build(Path()).generator
    peaks = []
    for part in (range(lines // 10), range(lines // 10, lines)):
        rate(generator.lines, part)
        peaks.append(peak_mib())
    print(f"peak memory after {lines // 10:,} and {lines:,} lines: {peaks[0]:.0f} and {peaks[1]:.0f} MiB")


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def compare_with_trdg(interpreter: Path, texts: list[str], fonts: tuple[Font, ...], lines: int) -> None:
    """Ratio of lines per second of processor time."""
    profile = Profile.model_validate(LIKE_TRDG)
    _, made = synthesis(len(texts), profile, texts)
    _, ours = rates(made.generator.lines, 5, lines)
    given = json.dumps([texts[:lines], [str(font.path) for font in fonts], lines])
    told = subprocess.run(
        [interpreter, "-c", TRDG], input=given, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    theirs = float(told.stdout.splitlines()[-1])
    print(
        f"skew, blur, noise: {ours:,.0f} lines/s here, {theirs:,.1f} trdg: {ours / theirs:.0f} times as many"
    )


def show(what: str, first: float, median: float) -> None:
    print(f"{what:32s} {median:9,.0f} lines/s (first ones {first:,.0f})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heights", type=int, nargs="+", default=[32, 48], help="line heights in px")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lines", type=int, default=400, help="texts of a round")
    parser.add_argument(
        "--stored", type=int, default=4000, help="lines that are written and that scaling draws"
    )
    parser.add_argument("--memory", type=int, default=1_000_000, help="lines drawn to see memory grow")
    parser.add_argument("--trdg-python", type=Path, help="interpreter that has trdg")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    texts = random_texts(WARM_UP + (arguments.rounds + 1) * arguments.lines, np.random.default_rng(0))
    fonts = find_fonts([matplotlib_font_folder()], SYMBOLS).fonts
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {len(fonts)} fonts, {LENGTH} characters"
    )
    for height in arguments.heights:
        clean_lines(fonts, texts, height, arguments.rounds, arguments.lines)
        profile_lines(texts, height, arguments.rounds, arguments.lines)
    stored_lines(texts, arguments.stored)
    scaling(texts, arguments.stored)
    if arguments.trdg_python is not None:
        compare_with_trdg(arguments.trdg_python, texts, fonts, arguments.lines)
    memory(arguments.memory)


if __name__ == "__main__":
    main()

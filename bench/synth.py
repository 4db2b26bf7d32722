"""Made lines per second on one core: fresh random texts, several fonts, finished uint8 arrays.

    python bench/synth.py

Texts are 25 random letters, digits and spaces; fonts are those inside matplotlib that draw them. Each
figure is the median of rounds, in processor time, after a warm-up that fills the glyph cache: the first
lines of a process are slower, and are shown too.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import string
import time
from collections.abc import Callable

import cv2
import numpy as np

from ocrtune.synth.fonts import Font, find_fonts, matplotlib_font_folder
from ocrtune.synth.render import LineRenderer, render_line
from ocrtune.synth.shaping import shape_line

SYMBOLS = string.ascii_letters + string.digits + ".,-" + " " * 8
LENGTH = 25

Draw = Callable[[str, Font, float], object]


def random_texts(count: int, rng: np.random.Generator) -> list[str]:
    return ["".join(rng.choice(list(SYMBOLS), LENGTH)) for _ in range(count)]


def lines_per_second(draw: Draw, fonts: tuple[Font, ...], height: int, count: int, seed: int) -> float:
    """`draw` on `count` fresh texts, the fonts in turn, at line heights of `height` px."""
    texts = random_texts(count, np.random.default_rng(seed))
    sizes = [height / font.line_height for font in fonts]
    start = time.process_time()
    for i, text in enumerate(texts):
        draw(text, fonts[i % len(fonts)], sizes[i % len(fonts)])
    return count / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heights", type=int, nargs="+", default=[32, 48], help="line heights in px")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lines", type=int, default=400, help="texts of a round")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    fonts = find_fonts([matplotlib_font_folder()], SYMBOLS).fonts
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {len(fonts)} fonts, {LENGTH} characters"
    )
    print("height  drawn from       first lines/s  median lines/s")
    renderer = LineRenderer()
    ways: dict[str, Draw] = {
        "cached glyphs": lambda text, font, size: renderer.draw(shape_line(text, [font]), size),
        "outlines": render_line,
    }
    for height in arguments.heights:
        for name, draw in ways.items():
            count, rounds = arguments.lines, arguments.rounds
            first = lines_per_second(draw, fonts, height, count, seed=0)
            lines_per_second(draw, fonts, height, 10 * count, seed=1)
            warm = [lines_per_second(draw, fonts, height, count, seed=2 + k) for k in range(rounds)]
            print(f"{height:4d}    {name:15s}  {first:13,.0f}  {statistics.median(warm):14,.0f}")


if __name__ == "__main__":
    main()

"""docs/trdg.md: every option of `trdg` has its row, and what stands there exists here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from ocrtune.cli_synth import synth
from ocrtune.synth.generator import MadeLine
from ocrtune.synth.looks.plan import EFFECTS
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.texts.config import StringsConfig

TABLE = Path(__file__).parents[2] / "docs" / "trdg.md"

# Its long options, in the order in which its parser declares them.
OPTIONS = [
    "output_dir",
    "input_file",
    "language",
    "count",
    "random_sequences",
    "include_letters",
    "include_numbers",
    "include_symbols",
    "length",
    "random",
    "format",
    "thread_count",
    "extension",
    "skew_angle",
    "random_skew",
    "use_wikipedia",
    "blur",
    "random_blur",
    "background",
    "handwritten",
    "name_format",
    "output_mask",
    "distorsion",
    "distorsion_orientation",
    "width",
    "alignment",
    "orientation",
    "text_color",
    "space_width",
    "character_spacing",
    "margins",
    "fit",
    "font",
    "font_dir",
    "image_dir",
    "case",
    "dict",
    "word_split",
    "stroke_width",
    "stroke_fill",
    "image_mode",
]


def rows() -> list[tuple[str, str]]:
    """The options' cell and our cell of every row."""
    cells = [
        line.strip("|").split("|") for line in TABLE.read_text("utf-8").splitlines() if line.startswith("|")
    ]
    return [(row[0], row[2]) for row in cells[2:]]


def test_every_option_has_one_row() -> None:
    named = [re.findall(r"`--(\w+)`", options) for options, _ in rows()]
    assert [names[0] for names in named] == OPTIONS


def test_everything_named_exists() -> None:
    options = {f"--{name.replace('_', '-')}" for name in inspect.signature(synth).parameters}
    for _, ours in rows():
        for name in re.findall(r"`([^`]+)`", ours):
            if name.startswith("--"):
                assert name in options
            elif name.startswith("LineGenerator.line(i)."):
                assert "look" in MadeLine.__dataclass_fields__
                assert name.endswith("look.truth")
            elif name != "labels.txt":
                assert name in EFFECTS or name in Profile.model_fields or name in StringsConfig.model_fields

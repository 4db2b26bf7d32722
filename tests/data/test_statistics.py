"""`data stats`: exact counts, proposals that agree with training's own rule, and hostile labels."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrtune.charset import Charset
from ocrtune.cli import main
from ocrtune.data.audit import audit_lines
from ocrtune.data.dataset import open_dataset
from ocrtune.data.images import decode_image
from ocrtune.data.proposals import propose
from ocrtune.data.rejects import RejectReason
from ocrtune.data.statistics import Distribution, SetStatistics, count_lines, script_of
from ocrtune.data.statistics_table import statistics_table
from ocrtune.preprocess import PreprocessSpec

Png = Callable[..., bytes]
MakeFolder = Callable[[str, Sequence[str]], Path]


@given(st.lists(st.integers(-50, 50), min_size=1), st.floats(0, 1))
def test_quantiles_are_those_of_the_sorted_values(values: list[int], share: float) -> None:
    distribution = Distribution()
    for value in values:
        distribution.add(value)
    assert distribution.at(0) == min(values)
    assert distribution.at(1) == max(values)
    at = distribution.at(share)
    assert sum(value <= at for value in values) >= share * len(values)
    assert sum(value < at for value in values) < max(share * len(values), 1)
    assert distribution.share_above(at) == sum(value > at for value in values) / len(values)


@pytest.mark.parametrize(
    ("symbol", "script"),
    [
        ("a", "Latin"),
        ("ﬁ", "Latin"),
        ("Ａ", "Latin"),
        ("µ", "Greek"),
        ("ж", "Cyrillic"),
        ("皖", "Han"),
        ("한", "Hangul"),
        ("ि", "Devanagari"),
        ("\u0301", "combining marks"),
        ("٣", "digits"),
        (" ", "spaces"),
        ("€", "signs"),
        ("\x1b", "control characters"),
    ],
)
def test_scripts(symbol: str, script: str) -> None:
    assert script_of(symbol) == script


def test_every_figure_of_a_small_set(tmp_path: Path, png: Png, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "im").mkdir()
    sizes = [(24, 100), (24, 50), (48, 100)]
    for i, size in enumerate(sizes):
        (tmp_path / f"im/p1_{i}.png").write_bytes(png(i, *size))
    (tmp_path / "im/p2_0.png").write_bytes(b"torn")
    labels = "im/p1_0.png\tab\nim/p1_1.png\te\u0301e\nim/p1_2.png\t\nim/p2_0.png\tc\nim/p2_1.png\td\n"
    (tmp_path / "labels.txt").write_text(labels, encoding="utf-8")
    file = tmp_path / "stats.json"
    assert main(["data", "stats", str(tmp_path), "--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    assert (found["lines"], found["images_measured"]) == (4, 2)
    assert found["rejects"] == {"no text": 1, "broken image": 1, "missing image": 1}
    assert found["label_length"]["counts"] == {"1": 2, "2": 2}  # e and its accent are one symbol
    assert found["symbols"] == {"a": 1, "b": 1, "é": 1, "e": 1, "c": 1, "d": 1}
    assert found["scripts"] == {"Latin": 6}
    assert found["height_px"]["counts"] == {"24": 2}
    assert found["width_px"]["counts"] == {"50": 1, "100": 1}
    assert found["aspect_tenths"]["counts"] == {"21": 1, "42": 1}
    assert found["input_width_px"]["counts"] == {"100": 1, "200": 1}
    assert found["px_per_step_needed"]["counts"] == {"50": 1, "100": 1}
    assert found["groups"] == {"p1": 2, "p2": 2}
    assert found["sources"] == {str(tmp_path): 4}
    assert found["settings"]["height"]["value"] == "48 px"
    out = capsys.readouterr().out
    assert "4 lines with a text, 2 images of them measured" in out
    assert f"the first: {tmp_path}/labels.txt:3: as `path<TAB>text` the text is empty" in out


def test_labels_too_long_are_those_that_training_refuses(tmp_path: Path, png: Png) -> None:
    """One rule for both: what `stats` proposes is what `train` would choose."""
    texts = ["l" * length for length in range(1, 40)]
    for i in range(len(texts)):
        (tmp_path / f"{i}.png").write_bytes(png(i, 48, 96))
    (tmp_path / "labels.txt").write_text("".join(f"{i}.png\t{text}\n" for i, text in enumerate(texts)))
    dataset = open_dataset(str(tmp_path))
    counted = count_lines([dataset])
    for stride in (8, 4):
        audit = audit_lines(
            dataset, Charset.from_texts(texts), PreprocessSpec(), lambda width, px=stride: width // px
        )
        assert counted.too_long[stride] == audit.counts()[RejectReason.TOO_LONG] > 0
    stride = propose(counted)[2]
    assert (stride.setting, stride.value) == ("--time-stride", "4")
    assert "likely wrong: look at them" in stride.reason


def counted_of(*sizes: tuple[int, int], text: str = "ab") -> SetStatistics:
    counted = SetStatistics()
    for size in sizes:
        counted.add_text(text)
        counted.add_size(*size, text, PreprocessSpec())
    return counted


def test_proposals_have_their_reason() -> None:
    height, width, stride = propose(counted_of((24, 94), (24, 100)))
    assert (height.value, width.value, stride.value) == ("48 px", "208 px", "8")
    assert "grows 2.0 times; 32 of --base none --arch crnn would lose nothing either" in height.reason
    assert "the widest line has 200 px at that height" in width.reason
    height, width, _ = propose(counted_of((200, 90000), (200, 100)))
    assert "shrinks 4.2 times: give crops closer to the text" in height.reason
    assert "50 % of the lines are wider at that height, up to 21600 px, and are squeezed" in width.reason
    assert propose(SetStatistics()) == ()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_any_text_makes_a_table(texts: list[str]) -> None:
    counted = SetStatistics()
    for text in texts:
        counted.add_text(text)
        if text:
            counted.add_size(10, 20, text, PreprocessSpec())
    assert statistics_table(counted)[0].startswith(f"{len(texts)} lines with a text")
    json.dumps(counted.to_json())


def test_without_matplotlib_it_is_said_what_to_install(
    tmp_path: Path,
    make_folder: MakeFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    folder = make_folder("set", ["ab"])
    assert main(["data", "stats", str(folder), "-o", str(tmp_path / "p.png")]) == 2
    assert capsys.readouterr().err.endswith("needs matplotlib: pip install 'ocrtune[train]'\n")
    assert main(["data", "stats", str(folder)]) == 0


@pytest.mark.slow
def test_a_picture_is_drawn_of_odd_symbols_and_of_nothing(
    tmp_path: Path, make_folder: MakeFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    from ocrtune.data.statistics_picture import symbol_names

    folder = make_folder("set", ["$x^2$ 漢 हि", "\u200f\x1b[0m\\frac"])
    picture = tmp_path / "picture.png"
    assert main(["data", "stats", str(folder), "-o", str(picture)]) == 0
    assert decode_image(picture.read_bytes(), "").shape == (1000, 1400, 3)
    assert main(["data", "stats", str(folder), "-o", str(picture)]) == 2
    assert "picture.png exists already" in capsys.readouterr().err
    for image in (folder / "images").iterdir():
        image.write_bytes(b"torn")
    assert main(["data", "stats", str(folder), "-o", str(picture), "--overwrite"]) == 0
    assert symbol_names([" ", "$", "漢", "\x1b", "\u0301"]) == ["space", "$", "U+6F22", "U+001B", "U+0301"]

"""`ocrtune synth` from the outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from ocrtune.cli import main
from ocrtune.data.dataset import open_dataset
from ocrtune.synth.font_search import matplotlib_font_folder

FONT = matplotlib_font_folder() / "DejaVuSans.ttf"


@pytest.fixture
def synth(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs `ocrtune synth ARGUMENTS` with one font in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | int) -> tuple[int, str, str]:
        code = main(["synth", "--font", str(FONT), "--workers", "1", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


Synth = Callable[..., tuple[int, str, str]]


def texts(folder: str) -> list[str]:
    return [entry.text for entry in open_dataset(folder).entries]


def test_a_template_makes_each_item_as_often_as_asked(synth: Synth) -> None:
    Path("goods.tsv").write_text("id\tname\n1\tBrød\n2\tSmør\n2\tSmør\nx\n", encoding="utf-8")
    code, out, err = synth(
        *("--template", "{item} {n}", "--list", "item=goods.tsv:name", "--per-item", 3),
        *("--profile", "receipt-thermal", "-o", "made"),
    )
    assert (code, out.splitlines()[0]) == (0, "6 lines in made")
    assert "goods.tsv: 2 strings; left out: 1 duplicate, 1 malformed row" in err
    assert sorted(text.split()[0] for text in texts("made")) == 3 * ["Brød"] + 3 * ["Smør"]


def test_sources_are_mixed_by_weight(synth: Synth) -> None:
    Path("words.txt").write_text("Hus\nBåt\n", encoding="utf-8")
    code, _, err = synth("--text", "words.txt@2", "--regex", r"GL-\d{4}", "-n", 30, "-o", "made", "--lmdb")
    assert code == 0, err
    made = texts("made")
    assert len(made) == 30
    assert sum(bool(re.fullmatch(r"GL-\d{4}", text)) for text in made) == 10


def test_lengths_are_chosen_whatever_the_source(synth: Synth) -> None:
    code, _, err = synth("--regex", "[a-z]{1,30}", "--lengths", 12, 14, "-n", 20, "-o", "made")
    assert code == 0, err
    assert all(9 <= len(text) <= 17 for text in texts("made"))


def test_a_recipe_gives_what_the_same_options_give(synth: Synth) -> None:
    Path("recipe.yaml").write_text("texts: {sources: [{regex: '[A-F]{4}'}]}\nlines: 5\n")
    assert synth("--recipe", "recipe.yaml", "-o", "a")[0] == 0
    assert synth("--regex", "[A-F]{4}", "-n", 5, "-o", "b")[0] == 0
    assert Path("a/labels.txt").read_bytes() == Path("b/labels.txt").read_bytes()
    for file in sorted(Path("a").rglob("*.png")):
        assert file.read_bytes() == ("b" / file.relative_to("a")).read_bytes()


def test_options_change_what_the_recipe_says(synth: Synth) -> None:
    Path("recipe.yaml").write_text("texts: {sources: [{regex: '[A-F]{4}'}]}\nlines: 5\n")
    assert synth("--recipe", "recipe.yaml", "-n", 3, "-o", "a")[1] == "3 lines in a\n"


def test_labels_leave_out_what_shall_not_be_read(synth: Synth) -> None:
    code, _, err = synth("--regex", r"[AB]·   \d{3}", "--unlabelled", "·", "-n", 4, "-o", "made")
    assert code == 0, err
    assert all(re.fullmatch(r"[AB] \d{3}", text) for text in texts("made"))


def test_a_preview_is_one_picture(synth: Synth) -> None:
    code, out, _ = synth("--regex", "[A-F]{4}", "-n", 9, "--preview", 4, "-o", "sheet.png")
    assert (code, out) == (0, "4 lines on sheet.png\n")
    assert cv2.imread("sheet.png").ndim == 3
    assert synth("--regex", "[A-F]{4}", "--preview", 4, "-o", "sheet.png")[0] == 2
    assert synth("--regex", "[A-F]{4}", "--preview", 4, "-o", "sheet.png", "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-n", 5), "what shall the lines say? Give --text,"),
        (("--regex", "a*", "-n", 5), "a*"),
        (("--regex", "[A-F]{4}"), "say how many lines to make"),
        (("--regex", "[A-F]{4}", "-n", 0), "lines: "),
        (("--regex", "A", "-n", 1, "--minimum", 0, "--balanced", "x.txt"), "texts.minimum: "),
        (("--regex", "中", "-n", 1), "no font has '中'"),
        (("--text", "none.txt", "-n", 1), "none.txt"),
        (("--csv", "goods.csv:price", "-n", 1), "no column 'price'; it has 'id', 'name'"),
        (("--template", "{item} {price}", "-n", 1), "there is no slot {item}"),
        (("--template", "{price}", "--list", "item=goods.csv:name", "-n", 1), "no --template has a slot for"),
        (("--template", "{item}", "--list", "goods.csv", "-n", 1), "--list goods.csv has no name"),
        (("--regex", "A", "-n", 1, "--profile", "recept-thermal"), "did you mean receipt-thermal?"),
        (("--regex", "A", "-n", 1, "--profile", "handwriting"), "handwriting is not made"),
        (("--regex", "A", "--recipe", "goods.csv"), "--recipe says what lines say"),
        (("--regex", "A", "-n", 1, "--preview", 1), "--preview writes a picture"),
        (("--text", "goods.csv@0", "-n", 1), "the weight after @ must be a number above 0"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    synth: Synth, arguments: tuple[str | int, ...], message: str
) -> None:
    Path("goods.csv").write_text("id,name\n1,Hus\n")
    code, out, err = synth(*arguments, "-o", "made")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("ocrtune: error: ")
    assert message in err.splitlines()[-1]
    assert not Path("made").exists()


def test_without_a_usable_font_each_file_has_its_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.ttf").write_bytes(b"no font")
    assert main(["synth", "--regex", "A", "-n", "1", "--font", "broken.ttf", "-o", "made"]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "there is no usable font in broken.ttf; broken.ttf is not a font" in message

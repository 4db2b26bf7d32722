"""A folder of lines becomes a profile on disk, and the command makes lines with it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.cli import main
from ocrtune.data.matching import MatchedProfile, match_folder
from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.match import fitting, simulation
from ocrtune.synth.recipe import Synthesis, SynthRecipe

FONT = str(matplotlib_font_folder() / "DejaVuSans.ttf")
TEMPLATE = "Nr {digits:6}"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "ROUNDS", 1)
    monkeypatch.setattr(fitting, "KNOBS", fitting.KNOBS[:3])
    monkeypatch.setattr(simulation, "SWEPT", 24)
    monkeypatch.setattr(simulation, "CHECKED", 24)


@pytest.fixture(scope="module")
def synthesis() -> Synthesis:
    recipe = {"texts": {"sources": [{"template": TEMPLATE}]}, "lines": 30, "fonts": [FONT]}
    return SynthRecipe.model_validate(recipe).build(Path())


def line(seed: int, texture: float = 6) -> Image:
    """Text on grainy paper with room around it."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.standard_normal((60, 400)), (0, 0), 2)
    image = 205 + texture * field / field.std()
    ink = np.zeros((60, 400), np.uint8)
    cv2.putText(ink, f"{seed:06d}", (80, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 2, cv2.LINE_AA)
    return np.clip(np.rint(image - 160 * (ink / 255.0)), 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve lines, and odd files."""
    lines = tmp_path / "mine"
    lines.mkdir()
    for seed in range(12):
        cv2.imwrite(str(lines / f"{seed:02d}.png"), line(seed))
    cv2.imwrite(str(lines / "white.png"), np.full((40, 200), 255, np.uint8))
    cv2.imwrite(str(lines / "dot.png"), np.zeros((1, 1), np.uint8))
    (lines / "broken.jpg").write_bytes(b"\xff\xd8nothing")
    (lines / "empty.png").write_bytes(b"")
    return lines


def match(folder: Path, synthesis: Synthesis, out: Path) -> MatchedProfile:
    return match_folder(folder, Profile.named("clean"), synthesis, out)


def test_a_profile_and_backgrounds_are_written(folder: Path, synthesis: Synthesis, tmp_path: Path) -> None:
    matched = match(folder, synthesis, tmp_path / "out")
    assert matched.path == tmp_path / "out" / "profile.yaml"
    profile = Profile.from_yaml(matched.path)
    assert profile.description == "lines like those in mine"
    assert len(list((tmp_path / "out" / "backgrounds").iterdir())) == 12
    assert "pictures: [backgrounds]" in matched.path.read_text()
    assert matched.notes[0] == f"12 of 16 images in {folder} measured"
    assert matched.notes[1].startswith("left out: 2 without ink")
    assert matched.notes[2].startswith("left out: 2 (the first:")
    assert matched.report.splitlines()[1].startswith("height, px")


@pytest.mark.slow
def test_the_same_folder_gives_the_same_files(folder: Path, synthesis: Synthesis, tmp_path: Path) -> None:
    first, second = (match(folder, synthesis, tmp_path / name) for name in "ab")
    assert first.path.read_text() == second.path.read_text()
    assert first.report == second.report


def test_smooth_paper_leaves_no_backgrounds(folder: Path, synthesis: Synthesis, tmp_path: Path) -> None:
    for seed in range(12):
        cv2.imwrite(str(folder / f"{seed:02d}.png"), line(seed, texture=0.1))
    matched = match(folder, synthesis, tmp_path / "out")
    assert "picture" not in matched.path.read_text()
    assert not (tmp_path / "out" / "backgrounds").exists()


def test_too_few_lines_with_ink(folder: Path, synthesis: Synthesis, tmp_path: Path) -> None:
    for seed in range(3):
        (folder / f"{seed:02d}.png").unlink()
    with pytest.raises(InputError, match="9 of 13 images show ink"):
        match(folder, synthesis, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def synth(folder: Path, out: Path, *more: str) -> int:
    options = ["--template", TEMPLATE, "-n", "6", "--font", FONT, "--workers", "1"]
    return main(["synth", *options, "--match", str(folder), "-o", str(out), *more])


@pytest.mark.slow
def test_the_command_makes_lines_with_the_fitted_profile(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    assert synth(folder, out) == 0
    told = capsys.readouterr()
    assert "Profile: " in told.out
    assert "6 lines in" in told.out
    assert "12 of 16 images" in told.err
    assert len((out / "labels.txt").read_text().splitlines()) == 6
    profile = (out / "match" / "profile.yaml").read_text()
    assert synth(folder, out, "--append") == 0
    assert "was fitted before" in capsys.readouterr().err
    assert len((out / "labels.txt").read_text().splitlines()) == 12
    assert synth(folder, out, "--overwrite") == 0
    assert (out / "match" / "profile.yaml").read_text() == profile
    assert len((out / "labels.txt").read_text().splitlines()) == 6


def test_a_preview_shows_real_lines_beside_made_ones(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("white.png", "dot.png", "broken.jpg", "empty.png"):
        (folder / name).unlink()
    assert synth(folder, tmp_path / "sheet.png", "--preview", "3") == 0
    assert "real ones on their left" in capsys.readouterr().out
    assert (tmp_path / "sheet-match" / "profile.yaml").is_file()
    sheet = cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(sheet[14:74, 10:410], line(0))


@pytest.mark.parametrize(
    ("contents", "message"),
    [("notes.txt", "is not an empty folder"), ("made.json", "holds made lines already")],
)
def test_a_folder_with_other_things_is_refused_before_the_fit(
    folder: Path, tmp_path: Path, contents: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    out.mkdir()
    (out / contents).write_text("{}")
    assert synth(folder, out) == 2
    assert message in capsys.readouterr().err
    assert not (out / "match").exists()


def test_vertical_lines_are_not_matched(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert synth(folder, tmp_path / "made", "--vertical") == 2
    assert "leave it or --vertical out" in capsys.readouterr().err

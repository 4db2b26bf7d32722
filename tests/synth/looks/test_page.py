"""Paper, light, camera and file: each effect does what its numbers say, in grey and in colour."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks import pictures
from ocrtune.synth.looks.camera import (
    Blur,
    Gamma,
    LowResolution,
    Moire,
    MotionBlur,
    Noise,
    SaltAndPepper,
)
from ocrtune.synth.looks.effects import Effect, FloatImage
from ocrtune.synth.looks.file import Binarise, Jpeg, Palette
from ocrtune.synth.looks.geometry import Margins, place
from ocrtune.synth.looks.light import CastShadow, Fold, Glare, Inverted, PageEffect, Shading
from ocrtune.synth.looks.paper import (
    Colours,
    Emboss,
    Extrusion,
    Outline,
    Panel,
    Picture,
    Shadow,
    Texture,
    Tone,
    mixed,
    paint,
)
from ocrtune.synth.looks.surroundings import Scene

RED_ON_YELLOW = Colours(("#c00000", "#f0f000"), (0, 0, 0, 0, 0, 0), 1)
EDGE = np.zeros((50, 100), np.float32)
EDGE[:, 50:] = 100


def painted(*effects: Effect, margin: float = 0.5) -> tuple[FloatImage, Scene]:
    """A bar of ink 20 x 100 px with paper around."""
    bar = np.full((20, 100), 255, np.uint8)
    placed = place((Margins((margin, margin, margin, margin)),), bar, bar, 20)
    scene = Scene(placed.ink, placed.placement, (0, 0, 100, 20), 20)
    return paint(effects, placed.ink, scene), scene


def test_tone_sets_paper_and_ink() -> None:
    page, _ = painted(Tone(paper=200, contrast=80))
    assert (page.shape, page[2, 2], page[20, 50]) == ((40, 120), 200, pytest.approx(120))
    assert painted(Tone(paper=100, contrast=200))[0].min() == 0
    plain, _ = painted()
    assert (plain.shape, plain.max(), plain.min()) == ((40, 120), 255, 0)


def test_colours_give_planes() -> None:
    page, _ = painted(Tone(paper=200, contrast=80), RED_ON_YELLOW)
    assert page.shape == (3, 40, 120)
    assert page[:, 2, 2].tolist() == [240, 240, 0]
    assert page[:, 20, 50].tolist() == pytest.approx([192, 0, 0])
    dimmed, _ = painted(Colours(("#c00000", "#f0f000"), (10, 20, -30, 0, -40, 0), 0.5))
    assert dimmed[:, 20, 50].tolist() == pytest.approx([101, 10, 0])
    assert dimmed[:, 2, 2].tolist() == [120, 100, 0]


@pytest.mark.parametrize("tone", [(), (RED_ON_YELLOW,)], ids=["grey", "colour"])
@pytest.mark.parametrize(
    "effect",
    [
        Texture("grain", 10, 5),
        Panel(0.2, 0.2, 0.05, 1, "#204060", 5),
        Shadow((0.1, 0.1), 0.05, 0.5),
        Extrusion(0.1, 45, 0.5),
        Emboss(40, 0.05),
        Outline(0.1, "#008000"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_backings_change_the_paper_and_leave_the_ink(effect: Effect, tone: tuple[Effect, ...]) -> None:
    before, scene = painted(*tone)
    page, _ = painted(*tone, effect)
    assert page.shape == before.shape
    inked = scene.ink == 255
    assert page[..., inked] == pytest.approx(before[..., inked], abs=1e-3)
    assert np.abs(page - before)[..., ~inked].max() > 5


def test_an_outline_has_its_colour_and_width() -> None:
    page, _ = painted(Outline(0.1, "#008000"))
    assert page[8:10, 60] == pytest.approx(0.587 * 128, abs=0.1)  # 2 px above the ink, whose top row is 10
    assert page[7, 60] == 255


def test_a_panel_ends_where_it_says() -> None:
    page, _ = painted(Tone(255, 255), Panel(0.25, 0.25, 0.05, 0, "#000000", 5))
    assert page[20, 7] == 255  # 5 px of plate beside the ink at 10
    assert page[20, 3] < 100
    assert page[3, 60] < 100


def test_mixing_by_cover() -> None:
    cover = np.array([[0, 51, 255]], np.uint8)
    assert mixed(np.full((1, 3), 100, np.float32), 0.0, cover).tolist() == [[100, pytest.approx(80), 0]]
    assert mixed(np.full((1, 3), 100, np.float32), 0.0, cover, 0.5)[0, 2] == 50


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Red at the left, blue at the right."""
    pixels = np.zeros((60, 200, 3), np.uint8)
    pixels[:, :100, 0] = pixels[:, 100:, 2] = 255
    PillowImage.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_picture_is_cut_or_enlarged(picture: Path) -> None:
    page, _ = painted(RED_ON_YELLOW, Picture(str(picture), 0))
    assert (page.shape, page[:, 0, 0].tolist()) == ((3, 40, 120), [255, 0, 0])
    grey, _ = painted(Picture(str(picture), 0))
    assert grey[0, 0] == pytest.approx(76)
    wide, _ = painted(Picture(str(picture), 0), margin=10)  # 420 x 500: larger than the picture
    assert wide.shape == (420, 500)
    assert {round(float(wide[0, x])) for x in (0, -1)} <= {76, 29}


def test_a_piece_is_never_larger_than_its_picture(picture: Path) -> None:
    """61 over 61 / 60 is a little more than 60 in floating point: the piece had a row too many."""
    _, scene = painted()
    for height in range(61, 140):
        page = np.zeros((height, 80), np.float32)
        assert Picture(str(picture), 7).apply(page, scene, 0.0).shape == page.shape


def test_folders_of_pictures_are_listed_in_order(picture: Path) -> None:
    (picture.parent / "0.JPG").write_bytes(b"")
    (picture.parent / "notes.txt").write_bytes(b"")
    assert pictures.list_pictures(".", picture.parent) == [str(picture.parent / "0.JPG"), str(picture)]
    assert pictures.list_pictures("a.png", picture.parent) == [str(picture)]
    with pytest.raises(ValueError, match="neither a picture nor a folder"):
        pictures.list_pictures("absent", picture.parent)
    (picture.parent / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no picture"):
        pictures.list_pictures("empty", picture.parent)


def test_large_pictures_are_reduced_and_broken_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PillowImage.new("L", (5000, 100)).save(tmp_path / "wide.png")
    assert pictures.open_picture(str(tmp_path / "wide.png")).shape == (34, 1667, 3)
    (tmp_path / "broken.png").write_bytes((tmp_path / "wide.png").read_bytes()[:60])
    (tmp_path / "text.png").write_bytes(b"hello")
    for name in ("broken.png", "text.png", "absent.png"):
        with pytest.raises(InputError, match=rf"cannot read the picture .*{name}"):
            pictures.open_picture(str(tmp_path / name))
    monkeypatch.setattr(pictures, "PIXEL_LIMIT", 1000)
    PillowImage.new("L", (50, 21)).save(tmp_path / "large.png")
    with pytest.raises(InputError, match=r"large\.png has over .* pixels; make it smaller"):
        pictures.open_picture(str(tmp_path / "large.png"))


PAGE_EFFECTS: tuple[PageEffect, ...] = (
    Inverted(),
    Shading(40, 5, 1),
    Fold(0.5, 0.2, 40, 0.5),
    CastShadow(0.5, 0.3, 0.5, 0.5),
    Glare(0.5, 0.5, 0.5, 0.8),
    Moire(10, 4, 20, 0.2),
    Blur(0.05),
    MotionBlur(0.2, 30),
    LowResolution(2),
    Noise(10, 1),
    SaltAndPepper(0.05, 1),
    Gamma(1.5),
)


@pytest.mark.parametrize("effect", PAGE_EFFECTS, ids=lambda e: type(e).__name__)
def test_page_effects_are_pure_and_treat_colour_as_grey(effect: PageEffect) -> None:
    page = EDGE + 60
    before = page.copy()
    grey = effect.apply(page)
    assert np.array_equal(page, before)
    assert (grey.shape, grey.dtype) == (page.shape, np.float32)
    assert np.array_equal(grey, effect.apply(page))
    colour = effect.apply(np.stack([page] * 3))
    assert colour[0] == pytest.approx(grey, abs=1e-3)
    same = [np.array_equal(colour[0], plane) for plane in colour[1:]]
    assert all(same) != isinstance(effect, Noise)  # the sensor's noise is apart in every channel


def test_light() -> None:
    flat = np.full((40, 400), 128, np.float32)
    assert Inverted().apply(flat)[0, 0] == 127
    assert Shading(40, 0, 1).apply(flat)[5, [0, -1]] == pytest.approx([108, 148])
    shadow = CastShadow(place=0.5, lean=0, softness=0.1, depth=0.5).apply(flat)
    assert shadow[20, [0, -1]].tolist() == [128, 64]
    assert CastShadow(place=0.5, lean=0, softness=0.1, depth=-0.5).apply(flat)[20, [0, -1]].tolist() == [
        64,
        128,
    ]
    glare = Glare(x=0.25, y=0.5, size=0.5, strength=0.5).apply(flat)
    assert glare[20, 100] == pytest.approx(128 + 127 / 2)
    assert glare[20, 399] == pytest.approx(128, abs=0.1)
    fold = Fold(place=0.5, lean=0, depth=40, reach=0.2).apply(flat)
    assert fold[20, 199] < 128 < fold[20, 202]
    assert fold[20, [0, -1]] == pytest.approx([128, 128], abs=0.1)


def test_blur_is_relative_to_the_height_and_keeps_the_paper() -> None:
    blurred = Blur(0.04).apply(EDGE)  # sigma 2 px
    assert blurred[25, 51] == pytest.approx(100 * 0.773, abs=1)  # normal distribution at 1.5 px / 2
    assert blurred[0, [0, -1]] == pytest.approx([0, 100], abs=1e-3)
    assert Blur(0).apply(EDGE) is EDGE


def test_motion_blurs_along_its_way_only() -> None:
    along = MotionBlur(length=0.2, angle=90).apply(EDGE)
    assert along == pytest.approx(EDGE, abs=1e-3)
    across = MotionBlur(length=0.2, angle=0).apply(EDGE)  # 10 px
    assert 8 <= np.count_nonzero((across[25] > 1) & (across[25] < 99)) <= 11


def test_noise() -> None:
    flat = np.full((200, 400), 128, np.float32)
    assert Noise(5, 3).apply(flat).std() == pytest.approx(5, rel=0.03)
    salted = SaltAndPepper(0.1, 3).apply(flat)
    assert (salted == 0).mean() == pytest.approx(0.05, abs=0.005)
    assert (salted == 255).mean() == pytest.approx(0.05, abs=0.005)


def test_low_resolution_keeps_the_size_and_loses_fine_detail() -> None:
    stripes = np.tile(np.array([0, 200], np.float32), (40, 50))
    assert LowResolution(4).apply(stripes) == pytest.approx(np.full((40, 100), 100), abs=1)
    assert LowResolution(1).apply(stripes) == pytest.approx(stripes)


def test_gamma_bends_the_middle() -> None:
    page = np.array([[0, 127.5, 255, 300]], np.float32)
    assert Gamma(2).apply(page)[0] == pytest.approx([0, 255 / 4, 255, 255], abs=1e-3)


def test_binarising_parts_at_otsus_threshold() -> None:
    image = np.repeat(np.array([40, 60, 180, 220], np.uint8), 100).reshape(20, 20)
    assert np.array_equal(Binarise(0).apply(image), np.where(image > 100, 255, 0))
    colour = np.dstack([image] * 3)
    assert np.array_equal(Binarise(0).apply(colour), np.dstack([np.where(image > 100, 255, 0)] * 3))


def test_a_palette_has_its_levels() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.unique(Palette(4).apply(ramp)).tolist() == [0, 85, 170, 255]


def test_jpeg_keeps_channels_in_their_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    saved = Jpeg(2, (90, 80, 5)).apply(red)
    assert saved.shape == red.shape
    assert saved[16, 16] == pytest.approx([200, 0, 0], abs=6)
    grey = np.full((32, 32), 90, np.uint8)
    assert Jpeg(1, (90, 5, 5)).apply(grey).shape == (32, 32)


def test_jpeg_saves_as_often_as_it_says(ink: Image) -> None:
    image = cv2.bitwise_not(ink)

    def error(*saves: int) -> float:
        qualities = (*saves, 95, 95)[:3]
        saved = Jpeg(len(saves), qualities).apply(image)  # type: ignore[arg-type]
        return float(np.abs(saved.astype(float) - image).mean())

    assert error(95) < error(20)
    assert error(95) < error(95, 20)
    assert error(20) != error(20, 60)

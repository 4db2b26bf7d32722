"""Profiles: those that are shipped, what YAML may say, and that a draw is a function of its generator."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.camera import Blur, Noise
from ocrtune.synth.looks.effects import Effect, effect_name
from ocrtune.synth.looks.file import Jpeg
from ocrtune.synth.looks.geometry import Margins
from ocrtune.synth.looks.paper import Colours, Picture
from ocrtune.synth.looks.plan import EFFECTS, STAGES, LookPlan
from ocrtune.synth.looks.profile import Profile, profile_names
from ocrtune.yaml_file import YAML_LIMIT

HEAD = "description: a test\nline_height: [20, 40]\n"


def profile(tmp_path: Path, stages: str) -> Profile:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + stages, encoding="utf-8")
    return Profile.from_yaml(path)


def draw(profile: Profile, seed: int, strength: float = 1) -> LookPlan:
    return profile.draw(np.random.default_rng(seed), strength)


def of_type(plan: LookPlan, kind: type[Effect]) -> Effect | None:
    return next((effect for effect in plan.effects if isinstance(effect, kind)), None)


def test_these_profiles_are_shipped() -> None:
    assert profile_names() == [
        "clean",
        "form-scan",
        "id-card",
        "invoice-cn",
        "label-print",
        "licence-plate",
        "medical-slip",
        "metal-plate",
        "old-print",
        "receipt-dot-matrix",
        "receipt-thermal",
        "receipt-worn",
        "screen",
        "street-sign",
        "typewriter",
    ]


@pytest.mark.parametrize("name", profile_names())
def test_shipped_profiles_draw_the_same_line_for_the_same_seed(name: str, ink: Image) -> None:
    shipped = Profile.named(name)
    images = []
    for seed in range(12):
        plan = draw(shipped, seed)
        assert plan == draw(Profile.named(name), seed)
        image = plan.apply(ink).image
        assert np.array_equal(LookPlan.from_json(plan.to_json()).apply(ink).image, image)
        images.append(image.tobytes())
    assert len(set(images)) == 12


@pytest.mark.parametrize("name", profile_names())
def test_shipped_profiles_survive_their_own_yaml(name: str, tmp_path: Path) -> None:
    shipped = Profile.named(name)
    path = tmp_path / "copy.yaml"
    path.write_text(shipped.to_yaml(), encoding="utf-8")
    assert Profile.from_yaml(path) == shipped
    assert draw(Profile.from_yaml(path), 5) == draw(shipped, 5)


@pytest.mark.parametrize("name", profile_names())
def test_profiles_reach_workers(name: str) -> None:
    shipped = Profile.named(name)
    assert pickle.loads(pickle.dumps(shipped)) == shipped


def test_grey_profiles_stay_grey(ink: Image) -> None:
    for name in ("clean", "receipt-thermal", "receipt-dot-matrix", "typewriter", "form-scan"):
        assert {draw(Profile.named(name), seed).apply(ink).image.ndim for seed in range(10)} == {2}, name


def test_a_path_is_a_profile_too(tmp_path: Path) -> None:
    assert profile(tmp_path, "") == Profile.named(str(tmp_path / "mine.yaml"))


def test_effects_come_as_often_as_their_probability(tmp_path: Path) -> None:
    mine = profile(
        tmp_path,
        """
camera:
  blur: {probability: 0.25, sigma: [0.01, 0.03]}
  noise: {probability: 0, sigma: 1}
file:
  jpeg: {probability: 1, times: [1, 3], quality: [40, 60]}
""",
    )
    plans = [draw(mine, seed) for seed in range(800)]
    blurs = [effect for plan in plans if (effect := of_type(plan, Blur))]
    assert len(blurs) / 800 == pytest.approx(0.25, abs=0.05)
    sigmas = [blur.sigma for blur in blurs if isinstance(blur, Blur)]
    assert 0.01 <= min(sigmas) < 0.011 < 0.029 < max(sigmas) <= 0.03
    assert not any(of_type(plan, Noise) for plan in plans)
    saves = [effect for plan in plans if isinstance(effect := of_type(plan, Jpeg), Jpeg)]
    assert {save.times for save in saves} == {1, 2, 3}
    assert {quality for save in saves for quality in save.quality} == set(range(40, 61))


def test_editing_one_effect_leaves_the_draws_of_the_others(tmp_path: Path) -> None:
    blur = "camera:\n  blur: {probability: 0.5, sigma: [0.01, 0.03]}\n"
    alone = profile(tmp_path, blur)
    joined = profile(
        tmp_path, blur + "  noise: {probability: 1, sigma: [1, 9]}\nlight:\n  inverted: {probability: 1}\n"
    )
    for seed in range(20):
        assert of_type(draw(alone, seed), Blur) == of_type(draw(joined, seed), Blur)


def test_a_milder_draw_is_nearer_to_the_mild_end(tmp_path: Path) -> None:
    mine = profile(
        tmp_path,
        """
geometry:
  margins: {probability: 1, sides: [0.1, 0.4]}
camera:
  blur: {probability: 1, sigma: [0.02, 0.04]}
file:
  jpeg: {probability: 1, times: 3, quality: 35}
""",
    )
    sigmas = [draw(mine, 1, strength).effects[1] for strength in (1, 0.5, 0)]
    full, half, none = (blur.sigma for blur in sigmas if isinstance(blur, Blur))
    assert (half, none) == (pytest.approx(full / 2), 0)
    assert draw(mine, 1, 0.5).effects[2] == Jpeg(2, (65, 65, 65))
    assert draw(mine, 1, 0).effects[0] == draw(mine, 1, 1).effects[0]  # margins are not milder or worse


def test_options_and_pairs(tmp_path: Path) -> None:
    mine = profile(
        tmp_path,
        """
paper:
  colours: {probability: 1, pairs: [["#000000", "#ffffff"], ["#102030", "#d0e0f0"]], spread: 0, brightness: 1}
""",
    )
    pairs = {
        effect.pairs
        for seed in range(20)
        for effect in draw(mine, seed).effects
        if isinstance(effect, Colours)
    }
    assert pairs == {("#000000", "#ffffff"), ("#102030", "#d0e0f0")}


def test_pictures_are_found_from_the_profiles_folder(tmp_path: Path, ink: Image) -> None:
    (tmp_path / "walls").mkdir()
    for name in ("a.png", "b.jpg"):
        PillowImage.new("RGB", (300, 100), (250, 240, 230)).save(tmp_path / "walls" / name)
    mine = profile(tmp_path, "paper:\n  picture: {probability: 1, pictures: [walls, walls/a.png]}\n")
    drawn = [
        effect for seed in range(20) for effect in draw(mine, seed).effects if isinstance(effect, Picture)
    ]
    assert {Path(picture.pictures).name for picture in drawn} == {"a.png", "b.jpg"}
    assert draw(mine, 1).apply(ink).image[0, 0] == pytest.approx(242, abs=2)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "copy.yaml").write_text(mine.to_yaml(), encoding="utf-8")
    assert Profile.from_yaml(tmp_path / "elsewhere" / "copy.yaml") == mine


def test_defaults_and_hints(tmp_path: Path) -> None:
    mine = profile(tmp_path, "fonts: [serif, monospace]\nword_spacing: 0.5\n")
    assert (mine.fonts, mine.word_spacing, mine.letter_spacing) == (
        ("serif", "monospace"),
        (0.5, 0.5),
        (0, 0),
    )
    assert draw(mine, 1).effects == ()


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ("camera:\n  blurr: {probability: 1}\n", "camera.blurr: unknown; did you mean blur?"),
        ("file:\n  blur: {probability: 1}\n", "file.blur: blur belongs under camera"),
        ("camra: {}\n", "camra: unknown; did you mean camera?"),
        ("qqq: {}\n", "qqq: unknown; there are description, line_height, fonts"),
        ("camera:\n  blur: {probability: 1, sigmas: 1}\n", "camera.blur.sigma: Field required"),
        (
            "camera:\n  blur: {probability: 1, sigma: 0, sigmas: 1}\n",
            "camera.blur.sigmas: unknown; did you mean sigma?",
        ),
        ("camera:\n  blur: {sigma: 0.1}\n", "camera.blur.probability: Field required"),
        (
            "camera:\n  blur: {probability: 1.5, sigma: 0.1}\n",
            "camera.blur.probability: Input should be less",
        ),
        (
            "camera:\n  blur: {probability: '1', sigma: 0.1}\n",
            "camera.blur.probability: Input should be a valid",
        ),
        (
            "camera:\n  blur: {probability: 1, sigma: [0.1, 3]}\n",
            "camera.blur.sigma: [0.1, 3] is not within 0..0.2, which this parameter takes",
        ),
        (
            "camera:\n  blur: {probability: 1, sigma: [0.1, 0.05]}\n",
            "camera.blur.sigma: [0.1, 0.05] is not a range; the lower number comes first",
        ),
        ("camera:\n  blur: {probability: 1, sigma: [.nan, 0.1]}\n", "the lower number comes first"),
        (
            "camera:\n  blur: {probability: 1, sigma: [0.1]}\n",
            "camera.blur.sigma: [0.1] is not a range; write [low, high] or one number",
        ),
        (
            "file:\n  jpeg: {probability: 1, times: [1, 2.5], quality: 50}\n",
            "file.jpeg.times: [1, 2.5] will not do: this parameter takes whole numbers",
        ),
        ("camera:\n  blur: {probability: 1, sigma: yes}\n", "camera.blur.sigma: True is not a range"),
        (
            "paper:\n  texture: {probability: 1, amplitude: 1, kind: [grain, wod]}\n",
            "paper.texture.kind: 'wod' will not do: Input should be 'noise', 'cloud'",
        ),
        (
            "paper:\n  texture: {probability: 1, amplitude: 1, kind: []}\n",
            "paper.texture.kind: the list is empty",
        ),
        (
            "paper:\n  outline: {probability: 1, width: 0.1, colours: red}\n",
            "paper.outline.colours: 'red' will not do: String should match pattern '^#[0-9a-f]{6}$'",
        ),
        (
            "paper:\n  picture: {probability: 1, pictures: walls}\n",
            "walls is neither a picture nor a folder",
        ),
        ("camera: [blur]\n", "camera: Input should be a valid dictionary"),
        ("fonts: [gothic]\n", "fonts.0: Input should be 'any', 'sans', 'serif' or 'monospace'"),
        ("line_height: 2\n", "line_height: [2, 2] is not within 6..512"),
        ("camera: {blur: [\n", "is not YAML: "),
        ("x: !!python/object/apply:os.system [exit]\n", "is not YAML: could not determine a constructor"),
    ],
)
def test_a_mistake_is_named_with_its_file_its_key_and_what_to_write(
    tmp_path: Path, stages: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        profile(tmp_path, stages)
    assert str(caught.value).startswith(str(tmp_path / "mine.yaml"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the profile {path}: "),
        (b"\xff\xfe", "cannot read the profile {path}: "),
        (b"#" * (YAML_LIMIT + 1), "{path} is over 1 MiB: not a profile"),
        (b"", "{path}: the document: "),
        (b"[" * 100_000, "{path} is not YAML: "),
    ],
)
def test_a_file_that_is_no_profile(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        Profile.from_yaml(path)
    assert str(caught.value).startswith(message.format(path=path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("reciept-thermal", "no profile is called 'reciept-thermal'; did you mean receipt-thermal?"),
        ("zzz", "no profile is called 'zzz'; there are clean, form-scan"),
    ],
)
def test_a_profile_that_does_not_exist(name: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Profile.named(name)
    assert str(caught.value).startswith(message)


def test_every_effect_is_used_by_some_profile() -> None:
    """But for those that need the user's own files or a width that only he knows."""
    used = set()
    for name in profile_names():
        text = Profile.named(name).to_yaml()
        used |= {effect for effect in EFFECTS if f"  {effect}:" in text}
    assert set(EFFECTS) - used == {"picture", "fixed_width", "random_distortion", "inverted"}


def test_the_guide_tells_of_every_profile_and_effect() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text(encoding="utf-8")
    tables = {line.split("|")[1].strip(): line for line in guide.splitlines() if line.startswith("| `")}
    for stage, effects in STAGES.items():
        told = [name.strip(" `") for name in tables.pop(f"`{stage}`").split("|")[2].split(",")]
        assert told == [effect_name(effect) for effect in effects], stage
    assert sorted(name.strip("`") for name in tables) == profile_names()


def test_the_guides_example_is_a_profile(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text(encoding="utf-8")
    (tmp_path / "backgrounds").mkdir()
    PillowImage.new("RGB", (50, 50)).save(tmp_path / "backgrounds" / "shelf.png")
    (tmp_path / "label.yaml").write_text(guide.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert Profile.from_yaml(tmp_path / "label.yaml").description == "shelf labels, photographed by hand"


def test_margins_are_in_every_profile() -> None:
    for name in profile_names():
        assert of_type(draw(Profile.named(name), 0), Margins) is not None, name


def test_handwriting_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="handwriting is not made"):
        Profile.named("handwritten")

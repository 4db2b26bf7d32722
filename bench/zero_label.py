"""What made lines are worth to training: in place of real labels, and beside them.

    python bench/zero_label.py plates receipts --data ../shared/real
    python bench/zero_label.py receipts-1000 typewritten --data ../shared/real

`plates` and `receipts` train on made lines only: nothing of the real ones is used but their images, which
`--match` measures, and the recipe in `bench/recipes/`, which knows what such lines say. The control has texts
of the same recipe, and as many, black on white with a little skew, blur and noise. `receipts-1000` and
`typewritten` train on real lines, with and without half as many made ones. All are scored on the real
validation lines. Typewritten lines want a typewriter's fonts: `docs/fonts.md` names packages.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from commands import FIGURES, RECIPES, call, cut_base, evaluate, first_lines, run_sets, show, write_recipe

from ocrtune.synth.looks.profile import Profile

PLAIN = {
    "description": "plain lines: black on white, a little skew, blur and noise",
    "line_height": [24, 40],
    "geometry": {"skew": {"probability": 1, "angle": [-2, 2]}, "margins": {"probability": 1, "sides": 0.15}},
    "paper": {"texture": {"probability": 1, "kind": "noise", "amplitude": [0, 10]}},
    "camera": {"blur": {"probability": 1, "sigma": [0, 0.03]}},
}


@dataclass(frozen=True)
class Set:
    """Which real lines, how scored, and what made lines must be worth."""

    folder: str
    figure: str
    ignore_case: bool
    real: bool
    """Train on real lines too."""
    looks: tuple[tuple[str, float], ...]
    """Profiles of the made lines and their shares; the first is fitted to the real images."""
    limit: int | None
    """Of the real training lines."""
    seeds: int
    bar: str
    without: tuple[tuple[str, str], ...] = ()
    """Effects of the profiles, by field and name, that these labels write as marks."""


RECEIPT_LOOKS = (("receipt-thermal", 0.5), ("receipt-dot-matrix", 0.25), ("receipt-worn", 0.25))
"""Lines as easy as most real ones teach little: half of them are harder than what is matched."""

SETS = {
    "plates": Set("plates", "exact_match", False, False, (("licence-plate", 1),), None, 1, ">= 70 %"),
    "receipts": Set(
        "receipts",
        "exact_match_no_space",
        True,
        False,
        RECEIPT_LOOKS,
        None,
        1,
        "+1.5 points on the base, cut",
    ),
    "receipts-1000": Set(
        "receipts", "exact_match_no_space", True, True, RECEIPT_LOOKS, 1000, 3, "not under -0.2 points"
    ),
    "typewritten": Set(
        "typewritten",
        "exact_match_no_space",
        True,
        True,
        (("typewriter", 1),),
        None,
        3,
        "not under -0.2 points",
        without=(("surroundings", "underline"),),  # which is "_" before each word
    ),
}


def main() -> None:
    run_sets(__doc__, SETS, measure, report)


def measure(name: str, data: Path, runs: Path, seeds: int | None) -> dict[str, object]:
    """Train and score every arm of the comparison with every seed."""
    which = SETS[name]
    train, val = data / which.folder / "train", data / which.folder / "val"
    if which.limit is not None:
        train = first_lines(train, which.limit, runs / f"{name}-train.txt")
    images = data / which.folder / "train" / "images"
    arms: dict[str, list[dict[str, float]]] = {}
    for seed in range(seeds or which.seeds):
        count = None
        if which.real:
            count = sum(1 for _ in (train if train.is_file() else train / "labels.txt").open("rb")) // 2
        made = make_like_theirs(which, runs / f"{name}-made-{seed}", seed, count, images)
        if which.real:
            trained = {"real": [train], "real and made": [train, *made]}
        else:
            plain = runs / f"{name}-plain-{seed}"
            trained = {"made like theirs": made, "plain lines": [make_plain(which, plain, seed)]}
            if seed == 0:
                cut = cut_base(sources(made), runs / f"{name}-cut")
                arms["base, cut"] = [evaluate(str(cut), val, which.ignore_case)]
                print(f"{name}, base, cut: {show(arms['base, cut'][0])}", flush=True)
        for arm, lines in trained.items():
            run = runs / f"{name}-{arm.replace(' ', '-')}-{seed}"
            begun = time.perf_counter()
            # Made lines alone are validated on a tenth of their own, as a user without labels has to.
            known = ["--val", str(val)] if which.real else []
            call("train", *sources(lines), *known, "-o", str(run), "--seed", str(seed), "--overwrite")
            minutes = (time.perf_counter() - begun) / 60
            figures = evaluate(str(run), val, which.ignore_case)
            arms.setdefault(arm, []).append({"seed": seed, "minutes": minutes, **figures})
            print(f"{name}, {arm}, seed {seed}: {minutes:.1f} min, {show(figures)}", flush=True)
    return {"set": name, "arms": arms}


def sources(lines: Sequence[Path]) -> list[str]:
    """Options of `ocrtune train`."""
    return [part for path in lines for part in ("--train", str(path))]


def make_like_theirs(which: Set, out: Path, seed: int, count: int | None, images: Path) -> list[Path]:
    """Lines in each look of the set, the first fitted to `images`; `count` in all, or as the recipe says."""
    made = []
    for number, (profile, share) in enumerate(which.looks):
        match = ["--match", str(images)] if number == 0 else []
        # Other seeds, or the looks would show the same texts.
        folder = out.with_name(f"{out.name}-{profile}")
        look = without_effects(profile, which.without, folder) if which.without else profile
        make_lines(which.folder, folder, len(which.looks) * seed + number, count, share, look, match)
        made.append(folder)
    return made


def without_effects(profile: str, effects: Sequence[tuple[str, str]], out: Path) -> str:
    """The profile `profile` but for some effects, as a file."""
    content = yaml.safe_load(Profile.named(profile).to_yaml())
    for field, name in effects:
        del content[field][name]
    return write_profile(content, out)


def write_profile(content: dict[str, object], out: Path) -> str:
    """Write a profile beside `out`, the folder of its lines."""
    target = out.with_name(f"{out.name}-profile.yaml")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return str(target.resolve())


def make_plain(which: Set, out: Path, seed: int) -> Path:
    """As many lines as the recipe says, black on white."""
    make_lines(which.folder, out, seed, None, 1, write_profile(PLAIN, out), [])
    return out


def make_lines(
    recipe: str, out: Path, seed: int, count: int | None, share: float, profile: str, options: Sequence[str]
) -> None:
    """Lines of a recipe with another profile and seed: a share of `count`, or of what the recipe says."""
    lines = count or yaml.safe_load((RECIPES / f"{recipe}.yaml").read_text(encoding="utf-8"))["lines"]
    given = out.with_name(f"{out.name}-recipe.yaml")
    write_recipe(recipe, given, seed=seed, profile=profile, lines=round(share * lines))
    call("synth", "--recipe", str(given), *options, "-o", str(out), "--overwrite")


def report(result: dict[str, object]) -> str:
    """A row for each arm: means over the seeds."""
    which = SETS[str(result["set"])]
    arms: dict[str, list[dict[str, float]]] = result["arms"]  # type: ignore[assignment]
    rows = [f"{result['set']}{', case ignored' if which.ignore_case else ''}; to reach: {which.bar}"]
    for arm, runs in arms.items():
        mean = {name: statistics.mean(run[name] for run in runs) for name in FIGURES}
        values = [run[which.figure] for run in runs]
        spread = f" ({which.figure} {min(values):.2%} to {max(values):.2%})" if len(values) > 1 else ""
        rows.append(f"  {arm:18s} {show(mean)}{spread}")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

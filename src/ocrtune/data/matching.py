"""From a folder of the user's lines to a profile that makes lines like them, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from ocrtune.data.images import ImageError
from ocrtune.data.unlabelled import UnlabelledImage, chosen_evenly, list_images, read_images
from ocrtune.errors import InputError
from ocrtune.output import write_bytes, write_text
from ocrtune.records import Image
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.match.comparison import report
from ocrtune.synth.match.fitting import LEAST_LINES, RealLines, fit_profile
from ocrtune.synth.match.knobs import Content
from ocrtune.synth.match.measures import LineMeasures, measure_separated
from ocrtune.synth.match.patches import LEAST_PATCHES, deserve_patches, paper_patch
from ocrtune.synth.match.separation import separate
from ocrtune.synth.png import encode_png
from ocrtune.synth.recipe import Synthesis

MEASURED = 500
"""Images at most: more hardly move the quantiles of 5 and 95 %."""

PATCHES = 64
"""Pieces of paper at most, of a few KB each."""

PROFILE = "profile.yaml"
BACKGROUNDS = "backgrounds"


@dataclass(frozen=True, slots=True)
class MatchedProfile:
    """A profile that was fitted."""

    path: Path
    notes: tuple[str, ...]
    """One line each, to be shown: what was measured, what was left out."""
    report: str
    """Table of all measures, theirs beside those of made lines."""


def match_folder(
    folder: Path,
    start: Profile,
    synthesis: Synthesis,
    out: Path,
    progress: Callable[[int, int], None] | None = None,
) -> MatchedProfile:
    """Fit a profile to the line images in `folder`; write it and pieces of their paper.

    Args:
        folder: of images, at any depth; labels in it are not read.
        start: the profile whose effects stay, but for those that are fitted.
        synthesis: of the lines to be made.
        out: folder for `PROFILE` and `BACKGROUNDS`, which are replaced if they are there.
        progress: called with (steps done, steps in all).

    Raises:
        InputError: no images, fewer than `LEAST_LINES` with measurable ink, or the disk refuses.
    """
    files = list_images(folder)
    found = _measure(read_images(chosen_evenly(files, MEASURED)))
    if len(found.lines) < LEAST_LINES:
        raise InputError(
            f"{folder}: {len(found.lines)} of {found.seen} images show ink that can be told from paper, "
            f"and --match needs {LEAST_LINES}; give a folder with more images of single lines"
        )
    theirs = RealLines(tuple(found.lines), tuple(found.qualities))
    # In colour, a patch would come with any ink, also of a pair that is not its own.
    is_kept = len(found.patches) >= LEAST_PATCHES and not theirs.is_coloured and deserve_patches(found.lines)
    backgrounds = out / BACKGROUNDS if is_kept else None
    _write_backgrounds(out / BACKGROUNDS, found.patches if is_kept else [])
    match = fit_profile(start, synthesis.generator, synthesis.lines, theirs, backgrounds, progress)
    path = out / PROFILE
    write_text(path, _as_yaml(match.content, folder, len(found.lines)), overwrite=True)
    notes = [f"{len(found.lines)} of {len(files):,} images in {folder} measured", *found.left_out()]
    if backgrounds is not None:
        notes.append(f"{len(found.patches)} pieces of their paper in {backgrounds}")
    return MatchedProfile(path, tuple(notes), report(theirs.measures, match.made))


def with_profile(synthesis: Synthesis, path: Path) -> Synthesis:
    """The same lines with the look of the profile at `path`."""
    return replace(synthesis, generator=replace(synthesis.generator, profile=Profile.from_yaml(path)))


@dataclass(slots=True)
class _Found:
    """What a pass over the images found."""

    seen: int = 0
    lines: list[LineMeasures] = field(default_factory=list)
    qualities: list[int | None] = field(default_factory=list)
    patches: list[Image] = field(default_factory=list)
    inkless: int = 0
    unreadable: list[ImageError] = field(default_factory=list)

    def left_out(self) -> list[str]:
        """One line for each reason."""
        lines = []
        if self.inkless:
            lines.append(f"left out: {self.inkless} without ink that can be told from paper, or too large")
        if self.unreadable:
            lines.append(f"left out: {len(self.unreadable)} (the first: {self.unreadable[0]})")
        return lines


def _measure(images: Iterable[UnlabelledImage | ImageError]) -> _Found:
    found = _Found()
    for read in images:
        found.seen += 1
        if isinstance(read, ImageError):
            found.unreadable.append(read)
            continue
        line = separate(read.image)
        if line is None:
            found.inkless += 1
            continue
        found.lines.append(measure_separated(read.image, line))
        found.qualities.append(read.jpeg_quality)
        if len(found.patches) < PATCHES and (patch := paper_patch(line)) is not None:
            found.patches.append(patch)
    return found


def _write_backgrounds(folder: Path, patches: list[Image]) -> None:
    for old in folder.glob("[0-9][0-9][0-9].png"):  # of an earlier fit; what else lies there is the user's
        old.unlink()
    for index, patch in enumerate(patches):
        write_bytes(folder / f"{index:03d}.png", encode_png(patch), overwrite=False)


def _as_yaml(content: Content, folder: Path, lines: int) -> str:
    """The profile for a person to edit: no empty stages, and pictures by the folder beside it."""
    shown = {key: value for key, value in content.items() if value != {}}
    shown["description"] = f"lines like those in {folder.resolve().name}"
    if picture := content["paper"].get("picture"):
        shown["paper"] = content["paper"] | {"picture": picture | {"pictures": [BACKGROUNDS]}}
    text = [f"# Fitted to {lines} line images. Edit it, and make lines with --profile and its path."]
    for key, value in shown.items():
        if isinstance(value, dict):
            text += [f"{key}:", *(f"  {effect}: {_flow(said)}" for effect, said in value.items())]
        else:
            text.append(f"{key}: {_flow(value)}")
    return "\n".join((*text, ""))


def _flow(value: object) -> str:
    """YAML on one line, as in the profiles that ocrtune brings."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=2**20)
    return text.removesuffix("...\n").strip()

"""The dataset: labelled lines from any format, whose images are fetched and decoded one at a time."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ocrtune.data.images import decode_image
from ocrtune.data.label_file import read_label_file
from ocrtune.data.lines import EncodedImage, LabelledLines, LineEntry, Redrawable
from ocrtune.data.lmdb_reading import DATA_FILE, find_lmdbs, read_lmdbs
from ocrtune.data.rejects import Reject
from ocrtune.errors import InputError
from ocrtune.records import Image, LineSample

LABEL_FILE = "labels.txt"
"""Name of the label file in a dataset folder."""

MADE_RECORD = "made.json"
"""Name of the file that says which recipes made the lines of a folder."""

RECIPE_PREFIX = "synth:"
"""Of a PATH that is a recipe, whose lines are drawn as they are needed."""


@dataclass(frozen=True)
class LineDataset:
    """Labelled lines in a fixed order. Can be pickled; threads may fetch images at the same time."""

    name: str
    """The PATH as the user gave it, without its weight."""
    entries: tuple[LineEntry, ...]
    images: tuple[EncodedImage, ...]
    """Of the entries, in their order."""
    weight: float
    """How often a line is drawn compared with one of a dataset of weight 1."""
    rejects: tuple[Reject, ...]
    """Lines refused while the labels were read; none of them is among the entries."""
    resolved: str
    """One sentence for the user: the format that was found and where the images are."""
    is_made: bool = False
    """Drawn by a recipe: the labels are true, the looks are a guess."""

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> LineSample:
        entry = self.entries[index]
        return LineSample(self.image(index), entry.text, entry.id, entry.source)

    def __iter__(self) -> Iterator[LineSample]:
        return (self[index] for index in range(len(self)))

    def image(self, index: int, look: int = 0) -> Image:
        """Decode the image of a line: uint8, (H, W) grey or (H, W, 3) RGB.

        Args:
            index: of the line.
            look: of a line that is drawn when it is asked for, which of its looks; others have one only.

        Raises:
            ImageError: an `InputError` with a `reason`: missing, broken, empty or over a limit.
        """
        image = self.images[index]
        if look and isinstance(image, Redrawable):
            image = image.redrawn(look)
        return decode_image(image.read(), image.where)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over ids and texts in their order: names these lines, not their pixels."""
        digest = hashlib.sha256()
        for entry in self.entries:
            for field in (entry.id, entry.text):
                content = field.encode("utf-8", "surrogatepass")  # a folder name need not be Unicode
                digest.update(b"%d:" % len(content) + content)  # the length keeps fields apart
        return digest.hexdigest()

    def select(self, indices: Iterable[int], rejects: Iterable[Reject] = ()) -> LineDataset:
        """The lines at `indices`, in that order, with `rejects` in place of these rejects."""
        chosen = tuple(indices)
        return replace(
            self,
            entries=tuple(self.entries[i] for i in chosen),
            images=tuple(self.images[i] for i in chosen),
            rejects=tuple(rejects),
        )


def open_dataset(path: str, images: Path | None = None) -> LineDataset:
    """Read the labels of `PATH` or `PATH@WEIGHT`; the images stay where they are.

    Args:
        path: a folder with `labels.txt`, a label file, a folder holding LMDBs at any depth, or
            `synth:` and a recipe. A name that exists as written is never cut at its `@`.
        images: the folder that a label file's image paths start from, instead of the label file's
            folder and the working directory.

    Raises:
        InputError: nothing there, or its labels cannot be read.
    """
    name, weight = split_weight(path)
    if name.startswith(RECIPE_PREFIX) and not Path(name).exists():
        lines = _open_recipe(Path(name.removeprefix(RECIPE_PREFIX)))
        return LineDataset(
            name, lines.entries, lines.images, weight, lines.rejects, lines.resolved, is_made=True
        )
    root = Path(name)
    if images is not None and not images.is_dir():
        raise InputError(f"--images {images} is not a folder; give the one that the image paths start from")
    if root.name == DATA_FILE and root.is_file():
        root = root.parent
    if root.is_dir():
        label_file = root / LABEL_FILE
        folders = [] if label_file.is_file() else find_lmdbs(root)
        if folders and images is not None:
            raise InputError(f"--images is for label files, and {name} holds LMDBs; leave --images out")
        if not folders and not label_file.is_file():
            raise InputError(
                f"{name} holds neither {LABEL_FILE} nor an LMDB ({DATA_FILE}); "
                f"write {label_file} with one `path<TAB>text` per image"
            )
        lines = read_lmdbs(root, folders) if folders else read_label_file(label_file, images)
    elif root.exists():
        lines = read_label_file(root, images)
    else:
        raise InputError(f"there is no {name}; give a label file, a folder with {LABEL_FILE} or an LMDB")
    is_made = ((root if root.is_dir() else root.parent) / MADE_RECORD).is_file()
    return LineDataset(name, lines.entries, lines.images, weight, lines.rejects, lines.resolved, is_made)


def _open_recipe(path: Path) -> LabelledLines:
    if importlib.util.find_spec("uharfbuzz") is None:
        raise InputError(f"drawing the lines of {path} needs uharfbuzz: pip install 'ocrtune[synth]'")
    from ocrtune.data.drawn import open_recipe

    return open_recipe(path)


def split_weight(path: str) -> tuple[str, float]:
    """PATH@WEIGHT as the two; a name that exists as written is never cut, and weighs 1.

    Raises:
        InputError: the weight is not above 0.
    """
    name, at, suffix = path.rpartition("@")
    if not at or Path(path).exists():
        return path, 1.0
    try:
        weight = float(suffix)
    except ValueError:  # an @ within a name that does not exist, which open_dataset reports
        return path, 1.0
    if not (math.isfinite(weight) and weight > 0):
        raise InputError(f"{path}: the weight after @ must be a number above 0")
    return name, weight

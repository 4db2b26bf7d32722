"""What the readers of formats find, and its way to `LabelledLines`: images located, refusals kept."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ocrtune.data.formats.crops import CroppedImage, Outline
from ocrtune.data.formats.text_encoding import read_text
from ocrtune.data.label_file import FileImage, is_file
from ocrtune.data.lines import EncodedImage, LabelledLines, LineEntry
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError
from ocrtune.reading.files import IMAGE_SUFFIXES


@dataclass(frozen=True, slots=True)
class FoundLine:
    """One labelled line as a label file tells it."""

    image: str
    """Path of its image, or of its page, as the label file spells it."""
    text: str
    source: str
    """File and line of the label."""
    outline: Outline | None = None
    """Where on the page it is; None for an image that shows this line alone."""


Parsed = Iterator[FoundLine | Reject]


@dataclass(slots=True)
class Reading:
    """One reading of label files: how they are decoded, where images are, what there is to tell."""

    encoding: str | None = None
    """As the user gave it."""
    images: Path | None = None
    """`--images`: the only place where images are looked for."""
    notes: Counter[str] = field(default_factory=Counter)
    """Clauses for the user about label files, and to how many of them each applies."""
    found: Counter[str] = field(default_factory=Counter)
    """Places to the number of lines whose image was found there."""

    def text(self, path: Path) -> str:
        """The decoded text of a label file; see `read_text`."""
        decoded = read_text(path, self.encoding)
        if decoded.note:
            self.notes[decoded.note] += 1
        return decoded.text

    def numbered_lines(self, path: Path) -> list[tuple[int, str]]:
        """Line numbers from 1 and the lines of a label file that are not blank, without their end."""
        # Not splitlines(): a text may hold U+2028, U+0085 or a form feed.
        lines = [line.removesuffix("\r") for line in self.text(path).split("\n")]
        return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]

    def find(self, name: str, label_file: Path) -> Path | None:
        """As `locate`, for a line that will be used: its place is counted."""
        located = self.locate(name, label_file)
        if located is None:
            return None
        path, place = located
        self.found[place] += 1
        return path

    def locate(self, name: str, label_file: Path) -> tuple[Path, str] | None:
        """The image that a label file calls `name`, as spelled or by its bare file name, and its place."""
        relative = name.replace("\\", "/")
        if Path(relative).is_absolute() and is_file(Path(relative)):
            return Path(relative), "absolute paths"
        bare = relative.rsplit("/", 1)[-1]
        for spelled in (relative, bare):
            for place in self._places(label_file):
                if spelled and is_file(place / spelled):
                    return place / spelled, str(place)
        return None

    def find_stem(self, stem: str, label_file: Path) -> str | None:
        """Name of the image with the file name `stem` and any suffix of an image, in any of the places."""
        for place in self._places(label_file):
            if name := _images_by_stem(place).get(stem.lower()):
                return name
        return None

    def expected(self, name: str, label_file: Path) -> Path:
        """Where the image would be looked for first."""
        return self._places(label_file)[0] / name.replace("\\", "/")

    def _places(self, label_file: Path) -> list[Path]:
        if self.images is not None:
            return [self.images]
        folder = label_file.parent
        return [folder, folder.parent, folder / "images", folder.parent / "images", Path()]


@lru_cache(maxsize=8)
def _images_by_stem(folder: Path) -> dict[str, str]:
    try:
        names = sorted(file.name for file in folder.iterdir())
    except OSError:
        return {}
    images = [name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    return {Path(name).stem.lower(): name for name in reversed(images)}


def unreadable(source: str, detail: str, image: str = "") -> Reject:
    """A label that cannot be made sense of."""
    return Reject(image, source, RejectReason.UNREADABLE_LABEL, detail)


def collect(
    label_files: Sequence[Path],
    parse: Callable[[Path, Reading], Parsed],
    reading: Reading,
    title: str,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledLines:
    """Parse label files and find the images of their lines.

    A label file that cannot be read is a reject, unless there is no other.

    Args:
        label_files: of one format, at least one.
        parse: gives the lines of one of them.
        reading: how, and where images are.
        title: names the format to the user.
        progress: called with (label files done, label files in all).

    Raises:
        InputError: no label file can be read, none has a line, or no image is found.
    """
    entries: list[LineEntry] = []
    images: list[EncodedImage] = []
    rejects: list[Reject] = []
    first_error: InputError | None = None
    numbers: Counter[str] = Counter()
    root = Path(os.path.commonpath([label_file.parent for label_file in label_files]))
    for done, label_file in enumerate(label_files, start=1):
        try:
            found = list(parse(label_file, reading))
        except InputError as error:
            first_error = first_error or error
            rejects.append(unreadable(str(label_file), str(error)))
            found = []
        for line in found:
            if isinstance(line, Reject):
                rejects.append(line)
            elif not line.text.strip():
                rejects.append(Reject(line.image, line.source, RejectReason.NO_TEXT, "the text is empty"))
            else:
                prefix = label_file.parent.relative_to(root).as_posix().removeprefix(".")
                entry, image = _locate(line, label_file, reading, numbers, prefix)
                entries.append(entry)
                images.append(image)
        if progress is not None:
            progress(done, len(label_files))
    _require_lines(label_files, entries, rejects, first_error, reading, title)
    return LabelledLines(
        tuple(entries), tuple(images), tuple(rejects), _resolved(label_files, entries, reading, title)
    )


def _locate(
    line: FoundLine, label_file: Path, reading: Reading, numbers: Counter[str], prefix: str
) -> tuple[LineEntry, EncodedImage]:
    """Its entry and image; an image that is nowhere is found missing when it is read."""
    file = FileImage(reading.find(line.image, label_file) or reading.expected(line.image, label_file))
    # `0001.png` is another image in every folder.
    name = f"{prefix}/{line.image}" if prefix else line.image
    if line.outline is None:
        return LineEntry(name, line.text, line.source), file
    page = name.replace("\\", "/")
    numbers[page] += 1
    stem = page.removesuffix(Path(page).suffix)
    symbols = len("".join(line.text.split()))
    entry = LineEntry(f"{stem}/{numbers[page]:04d}.png", line.text, line.source)
    return entry, CroppedImage(file, line.outline, symbols)


def _require_lines(
    label_files: Sequence[Path],
    entries: Iterable[LineEntry],
    rejects: Sequence[Reject],
    first_error: InputError | None,
    reading: Reading,
    title: str,
) -> None:
    entries = list(entries)
    if not entries:
        if first_error is not None:
            raise first_error
        first = f"; the first: {rejects[0].source}: {rejects[0].detail}" if rejects else ""
        raise InputError(f"{label_files[0]}: no line with a text found as {title}{first}; give --format")
    if not reading.found:
        where = "beside the label file" if reading.images is None else f"in {reading.images}"
        raise InputError(
            f"{entries[0].source}: the image of {entries[0].id} is not found {where}, nor that of any other "
            f"of the {len(entries)} lines; give their folder with --images DIR"
        )


def _resolved(label_files: Sequence[Path], entries: Sequence[LineEntry], reading: Reading, title: str) -> str:
    more = f" and {len(label_files) - 1} more files" if len(label_files) > 1 else ""
    places = [f"{place} ({count})" for place, count in reading.found.most_common()]
    nowhere = len(entries) - reading.found.total()
    if nowhere:
        places.append(f"nowhere ({nowhere})")
    notes = [
        note if count == len(label_files) else f"{note} ({count} files)"
        for note, count in reading.notes.most_common()
    ]
    lines = f"{len(entries)} lines as {title}"
    return "; ".join((f"{label_files[0]}{more}: {lines}", *notes, f"images from {', '.join(places)}"))

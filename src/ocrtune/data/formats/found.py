"""What the readers of formats find, and its way to `LabelledLines`: images located, refusals kept."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ocrtune.data.formats.crops import CroppedImage, Outline
from ocrtune.data.formats.text_encoding import (
    Guess,
    decode_text,
    guess_encoding,
    is_certain,
    read_label_bytes,
)
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


_SAMPLE = 4 * 2**20
"""Bytes of label files from which an encoding is guessed."""

Parsed = Iterator[FoundLine | Reject]


@dataclass(slots=True)
class Reading:
    """One reading of label files: how they are decoded, where images are, what there is to tell."""

    label_files: Sequence[Path]
    """All that are read together, and share an encoding if that has to be guessed."""
    encoding: str | None = None
    """As the user gave it."""
    images: Path | None = None
    """`--images`: the only place where images are looked for."""
    notes: Counter[str] = field(default_factory=Counter)
    """Clauses for the user about label files, and to how many of them each applies."""
    found: Counter[str] = field(default_factory=Counter)
    """Places to the number of lines whose image was found there."""
    _guesses: list[Guess | None] = field(default_factory=list)
    _stems: dict[Path, dict[str, str]] = field(default_factory=dict)

    def text(self, path: Path) -> str:
        """The decoded text of a label file; see `decode_text`."""
        decoded = decode_text(read_label_bytes(path), str(path), self.encoding, self._guess)
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
        for place in self._places(label_file):
            if relative and is_file(place / relative):
                return place / relative, str(place)
        # Only close by: further away, a bare name may well be that of another image.
        bare = relative.rsplit("/", 1)[-1]
        for place in self._places(label_file, near=True):
            if bare and is_file(place / bare):
                return place / bare, f"{place} by bare file names"
        return None

    def find_stem(self, stem: str, label_file: Path, *, near: bool = False) -> str | None:
        """Name of the image with the file name `stem` and any suffix of an image.

        With `near`, only in `--images`, beside the label file, or in `images/` there.
        """
        for place in self._places(label_file, near=near):
            if place not in self._stems:
                self._stems[place] = _images_by_stem(place)
            if name := self._stems[place].get(stem.lower()):
                return name
        return None

    def expected(self, name: str, label_file: Path) -> Path:
        """Where the image would be looked for first."""
        return self._places(label_file)[0] / name.replace("\\", "/")

    def _places(self, label_file: Path, *, near: bool = False) -> list[Path]:
        if self.images is not None:
            return [self.images]
        folder = label_file.parent
        places = [folder, folder / "images"]
        return places if near else [*places, folder.parent, folder.parent / "images", Path()]

    def _guess(self) -> Guess | None:
        """The encoding of all label files that are not certain: one of them alone may hold a single word."""
        if not self._guesses:
            sample = bytearray()
            for path in self.label_files:
                with suppress(InputError):  # of another file, which is refused when its turn comes
                    if len(sample) < _SAMPLE and not is_certain(content := read_label_bytes(path)):
                        sample += content + b"\n"
            self._guesses.append(guess_encoding(bytes(sample)))
        return self._guesses[0]


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
    reading: Reading,
    parse: Callable[[Path, Reading], Parsed],
    title: str,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledLines:
    """Parse label files and find the images of their lines.

    A label file that cannot be read is a reject, unless there is no other.

    Args:
        reading: the label files, of one format and at least one; how they are read, and where images are.
        parse: gives the lines of one of them.
        title: names the format to the user.
        progress: called with (label files done, label files in all).

    Raises:
        InputError: no label file can be read, none has a line, or no image is found.
    """
    label_files = reading.label_files
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
        raise InputError(
            f"{label_files[0]}: no line with a text found as {title}{first}; give --format or --images"
        )
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
        note if count == len(label_files) else f"in {count} of the files {note}"
        for note, count in reading.notes.most_common()
    ]
    lines = f"{len(entries)} lines as {title}"
    return "; ".join((f"{label_files[0]}{more}: {lines}", *notes, f"images from {', '.join(places)}"))

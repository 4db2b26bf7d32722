r"""Reads a label file: one image path and its text per line, in the three spellings in use.

`path<TAB>text`; `name.png text`, split after the image extension, so that a name may hold spaces;
`path text`, split at the first space. Texts are never edited: the line end and a BOM go, nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ocrtune.data.images import read_encoded
from ocrtune.data.lines import EncodedImage, LabelledLines, LineEntry
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError

LABEL_FILE_LIMIT = 2**30
"""Bytes; ten million lines of 100 bytes."""

_AFTER_EXTENSION = re.compile(
    r"(?P<path>.+?\.(?:jpe?g|png|bmp|webp|tiff?|gif|p[bgnp]m))(?: (?P<text>.*))?", re.IGNORECASE | re.DOTALL
)


class LabelForm(StrEnum):
    """How path and text are separated; one form for the whole file."""

    TAB = "path<TAB>text"
    EXTENSION = "name.png text"
    SPACE = "path text"


@dataclass(frozen=True, slots=True)
class FileImage:
    """An image file."""

    path: Path

    @property
    def where(self) -> str:
        """The path as it is opened."""
        return str(self.path)

    @property
    def location(self) -> str:
        """The absolute path, links followed."""
        return str(self.path.resolve())

    def read(self) -> bytes:
        """The file's bytes; see `read_encoded`."""
        return read_encoded(self.path)


@dataclass(frozen=True, slots=True)
class _LabelLine:
    number: int
    path: str
    text: str


def read_label_file(path: Path, images: Path | None) -> LabelledLines:
    """Read the label file `path`.

    Args:
        path: a UTF-8 file in one of the forms of `LabelForm`.
        images: the folder that the image paths start from. Without it each is looked for beside the
            label file, then in the working directory.

    Raises:
        InputError: it is missing, empty, not UTF-8 or without separators, or none of its images exists.
    """
    numbered = _numbered_lines(path)
    form = detect_form([line for _, line in numbered])
    lines = [_LabelLine(number, *split_line(line, form)) for number, line in numbered]
    if not any(line.text for line in lines) and form is not LabelForm.TAB:
        raise InputError(
            f"{path}:{lines[0].number}: neither a TAB nor a space between image path and text, "
            f"and in no other line; write one `{LabelForm.TAB}` per line"
        )
    entries: list[LineEntry] = []
    rejects: list[Reject] = []
    for line in lines:
        source = f"{path}:{line.number}"
        if not line.text.strip():
            rejects.append(Reject(line.path, source, RejectReason.NO_TEXT, f"as `{form}` the text is empty"))
        elif not line.path.strip():
            rejects.append(Reject(line.path, source, RejectReason.MISSING_IMAGE, "no path before the text"))
        else:
            entries.append(LineEntry(line.path, line.text, source))
    files, where = _find_images(entries, path.parent, images)
    resolved = f"{path}: {len(lines)} lines as `{form}`; {where}"
    return LabelledLines(tuple(entries), files, tuple(rejects), resolved)


def detect_form(lines: Sequence[str]) -> LabelForm:
    """The form that most of `lines` fit; a file whose lines hold TABs is a TAB file.

    A stray TAB within a text of a file separated by spaces does not make it a TAB file.
    """
    if 2 * sum("\t" in line for line in lines) >= len(lines):
        return LabelForm.TAB
    if 2 * sum(_AFTER_EXTENSION.fullmatch(line) is not None for line in lines) >= len(lines):
        return LabelForm.EXTENSION
    return LabelForm.SPACE


def split_line(line: str, form: LabelForm) -> tuple[str, str]:
    """Path and text of one line; the text is empty where there is no separator."""
    if form is LabelForm.TAB:
        path, _, text = line.partition("\t")
        return path, text
    if form is LabelForm.EXTENSION and (match := _AFTER_EXTENSION.fullmatch(line)):
        return match["path"], match["text"] or ""
    path, _, text = line.partition(" ")
    return path, text


def _numbered_lines(path: Path) -> list[tuple[int, str]]:
    """Line numbers from 1 and the lines that are not blank, without their line end."""
    try:
        if path.stat().st_size > LABEL_FILE_LIMIT:
            raise InputError(
                f"{path} is over {LABEL_FILE_LIMIT >> 30} GiB; split it into several label files"
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the label file {path}: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{number}: not UTF-8 (byte {error.start}); save the file as UTF-8, "
            "or convert it with ocrtune data import"
        ) from error
    # Not splitlines(): a text may hold U+2028, U+0085 or a form feed.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise InputError(f"{path} is empty; write one `{LabelForm.TAB}` per line")
    return numbered


def _find_images(
    entries: Sequence[LineEntry], beside: Path, images: Path | None
) -> tuple[tuple[EncodedImage, ...], str]:
    """The image file of every entry, and a clause that says where they are.

    An image that is nowhere is a reject later, so it keeps its path in the first place looked at.
    """
    if images is not None:
        places = {f"--images {images}": images}
    else:
        places = {f"the label file's folder {beside}": beside}
        if beside.resolve() != Path.cwd():
            places[f"the working directory {Path.cwd()}"] = Path()
    files: list[EncodedImage] = []
    found: Counter[str] = Counter()
    for entry in entries:
        relative = entry.id.replace("\\", "/")
        for name, folder in places.items():
            file = folder / relative
            if is_file(file):
                found["absolute paths" if Path(relative).is_absolute() else name] += 1
                break
        else:
            file = next(iter(places.values())) / relative
        files.append(FileImage(file))
    if entries and not found:
        raise InputError(
            f"{entries[0].source}: the image {entries[0].id} is not in {' nor in '.join(places)}, nor is "
            f"any other of the {len(entries)}; give their folder with --images DIR"
        )
    found["nowhere"] = len(entries) - found.total()
    where = ", ".join(f"{name} ({count})" for name, count in found.items() if count)
    return tuple(files), f"images from {where}" if entries else "no image is needed"


def is_file(path: Path) -> bool:
    """Whether `path` is a file; False for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL character
        return False

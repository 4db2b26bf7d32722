"""Which lines belong together because they come from one page or source, told from the names of their images.

Lines of one page share print, paper and words: they must not stand on both sides of a split.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ocrtune.errors import InputError

BY_PAGE = "page"
BY_LINE = "none"

_NAME_LIMIT = 255
"""Characters of a file name that are looked at, from its end; file systems allow no longer ones."""

_PART = r"(?:line|ln|l|row|word|w|crop|box|region|reg|r|block|blk|seg|text|txt|field|cell|char)"
"""What crops are called; no single letter that is a hexadecimal digit, as in the name `e99d2d0cf1`."""

_EXTENSION = re.compile(r"\.[A-Za-z]{1,4}$")
_NUMBERED_PART = re.compile(rf"(?:[-_. ]+{_PART}?|(?<=\d){_PART})[-_. ]?\d+$", re.IGNORECASE)
_NAMED_PART = re.compile(rf"(?:[-_. ]+|(?<=\d)){_PART}[-_. ]?\d+$", re.IGNORECASE)
_ONLY_LINE = re.compile(rf"\d+|{_PART}[-_. ]?\d+(?:[-_. ]?{_PART}[-_. ]?\d+)*", re.IGNORECASE)
_LMDB_KEY = re.compile(r"image-\d{9}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


def page_of(line_id: str) -> str | None:
    """The page that a line's image is named after, or None where the name tells none.

    It depends on this name alone, so that other lines cannot change it. `003_012.jpg`,
    `003_line_012.jpg` and `003_r1_l12.jpg` are of page `003`, `page3/012.jpg` is of `page3`; a page has
    a digit in its name, so that `line_012.jpg` is not of a page `line`.
    """
    *folders, name = line_id.replace("\\", "/").split("/")
    stem = _EXTENSION.sub("", name[-_NAME_LIMIT:])
    if _LMDB_KEY.fullmatch(stem) or _UUID.fullmatch(stem):
        return None
    if _ONLY_LINE.fullmatch(stem):
        return _numbered_folders(folders, stem)
    page = _NUMBERED_PART.sub("", stem)
    if page == stem:
        return None
    while (shorter := _NAMED_PART.sub("", page)) != page:
        page = shorter
    return page if _DIGIT.search(page) else None


def _numbered_folders(folders: list[str], stem: str) -> str | None:
    """`book1/page3` of `scans/book1/page3`; None where the last folder has no number or is a mere shelf.

    `images/004/004123.png` stands on a shelf: a thousand made lines to a folder.
    """
    first = len(folders)
    while first and _DIGIT.search(folders[first - 1]):
        first -= 1
    if first == len(folders):
        return None
    shelf = folders[-1]
    if stem.startswith(shelf) and len(stem) == len(shelf) + 3 and stem.isdigit():
        return None
    return "/".join(folders[first:])


@dataclass(frozen=True)
class Grouping:
    """The group of every line."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    """Group of each id, in their order; a line that belongs to no other has its id as the group."""
    by: str
    """`page`, `none` or the regular expression."""
    matched: int
    """Lines whose name told a group."""

    @cached_property
    def counts(self) -> Counter[str]:
        """Lines of each group."""
        return Counter(self.names)

    def summary(self) -> str:
        """What was taken as a group, on one line."""
        lines = len(self.names)
        if self.matched == 0:
            why = "" if self.by == BY_LINE else ", since the image names tell no pages"
            return f"groups: every line is its own{why}: {len(self.counts)} of {lines} lines"
        sizes = sorted(self.counts.values())
        pairs = zip(self.ids, self.names, strict=True)
        line_id, name = next((pair for pair in pairs if pair[0] != pair[1]), (self.ids[0], self.names[0]))
        how = "by image names" if self.by == BY_PAGE else f"by --group {self.by}"
        spread = f"of {sizes[0]} to {sizes[-1]} lines (median {sizes[len(sizes) // 2]})"
        said = f"groups: {len(sizes)} {how}, {spread}; {line_id} is of {name!r}"
        alone = lines - self.matched
        return f"{said}; {alone} lines tell no group and are their own" if alone else said

    def hint(self) -> str:
        """How to say what the pages are, where every line is its own group."""
        names = (line_id.replace("\\", "/").rpartition("/")[2][:_NAME_LIMIT] for line_id in self.ids)
        heads = {re.split(r"[-_. ]*\d", name)[0] for name in names} - {""}
        if 1 < len(heads) <= len(self.ids) // 2:
            return (
                f"if {len(heads)} beginnings such as {min(heads)!r} are the pages: --group '([^/0-9]*)[^/]*$'"
            )
        return "if they come from pages, say which with --group REGEX"


def group_lines(ids: Sequence[str], by: str = BY_PAGE) -> Grouping:
    """The group of each line.

    Args:
        ids: of the lines, as in their label file.
        by: `page` to tell it from the names (`page_of`), `none` for every line alone, or a regular
            expression that is looked for in each id: its first bracket is the group, or else all that
            it matches. Where `page` finds fewer than two, every line is its own.

    Raises:
        InputError: the regular expression is none, or matches no id.
    """
    found: list[str | None]
    if by == BY_LINE:
        found = [None] * len(ids)
    elif by == BY_PAGE:
        found = [page_of(line_id) for line_id in ids]
        if len({name for name in found if name is not None}) + found.count(None) < 2:
            found = [None] * len(ids)
    else:
        found = _matched(ids, by)
    names = tuple(line_id if name is None else name for line_id, name in zip(ids, found, strict=True))
    return Grouping(tuple(ids), names, by, len(ids) - found.count(None))


def _matched(ids: Sequence[str], expression: str) -> list[str | None]:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"--group {expression} is no regular expression: {error}") from error
    matches = [pattern.search(line_id) for line_id in ids]
    found = [(match[1] if pattern.groups else match[0]) or None if match else None for match in matches]
    if ids and not any(found):
        raise InputError(
            f"--group {expression} finds nothing in any image name, such as {ids[0]}; correct it"
        )
    return found

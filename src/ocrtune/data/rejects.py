"""Why a labelled line is left out: the record, its fixed set of reasons, and the list a user can open."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ocrtune.output import write_text

SKIPPED_FILE = "skipped.tsv"
"""The list of rejects beside what was made of the rest."""


class RejectReason(StrEnum):
    """Every reason for which a line may be left out."""

    NO_TEXT = "no text"
    MISSING_IMAGE = "missing image"
    BROKEN_IMAGE = "broken image"
    TOO_LARGE = "image too large"
    EMPTY_IMAGE = "empty image"
    UNKNOWN_SYMBOL = "unknown symbol"
    TOO_LONG = "too long for the width"
    UNREADABLE_LABEL = "label cannot be read"
    ILLEGIBLE = "marked as illegible"
    UNSTORABLE = "cannot be stored"
    NOT_REVIEWED = "not reviewed yet"
    TURNED_DOWN = "rejected in review"


@dataclass(frozen=True, slots=True)
class Reject:
    """One line that is left out."""

    id: str
    """As in `LineSample`."""
    source: str
    """As in `LineSample`."""
    reason: RejectReason
    detail: str
    """What exactly is wrong with this line."""


def summarise_rejects(rejects: Sequence[Reject]) -> str:
    """Counts by reason and the first reject, on one line; there must be one."""
    counts = Counter(str(reject.reason) for reject in rejects).most_common()
    counted = ", ".join(f"{count} {reason}" for reason, count in counts)
    return f"{counted}; the first: {rejects[0].source}: {rejects[0].detail}"


def write_skipped(path: Path, rejects: Iterable[Reject]) -> None:
    r"""Write `skipped.tsv`: id, source, reason and detail, one reject per row, replacing an older list.

    Raises:
        InputError: the disk refuses; an older list is then as before.
    """
    rows = [("id", "source", "reason", "detail")]
    rows += [(reject.id, reject.source, str(reject.reason), reject.detail) for reject in rejects]
    write_text(path, as_tsv(rows), overwrite=True)


def as_tsv(rows: Iterable[Sequence[str]]) -> str:
    r"""Rows of fields as tab-separated values.

    Control characters are written as `\t`, `\n` or `\u001b` and a backslash is doubled, so that no
    label or file name can break a row.
    """
    return "".join("\t".join(map(_escape, row)) + "\n" for row in rows)


_NAMED_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}

_ESCAPED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
"""Control characters, lone surrogates (undecodable file names), line and paragraph separators."""


def _escape(field: str) -> str:
    """`field` for a row of tab-separated values: nothing in it can break the row."""
    if field.isprintable() and "\\" not in field:  # nearly all, and there are millions
        return field
    return "".join(
        _NAMED_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if unicodedata.category(c) in _ESCAPED_CATEGORIES else c)
        for c in field
    )

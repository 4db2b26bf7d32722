"""What the readers of label formats hand over: entries, where their images lie, and what they refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ocrtune.data.rejects import Reject


@dataclass(frozen=True, slots=True)
class LineEntry:
    """One labelled line before its image is decoded; the fields are those of `LineSample`."""

    id: str
    text: str
    source: str


class EncodedImage(Protocol):
    """An image that can be fetched, still encoded."""

    @property
    def where(self) -> str:
        """Its name in messages."""
        ...

    @property
    def location(self) -> str:
        """Its place on this machine: equal for the same image reached through two datasets."""
        ...

    def read(self) -> bytes:
        """The encoded bytes.

        Raises:
            ImageError: missing, unreadable or over the size limit.
        """
        ...


@runtime_checkable
class Redrawable(Protocol):
    """An image that is made when it is asked for, and can look different each time."""

    def redrawn(self, look: int) -> EncodedImage:
        """The same line in another look; look 0 is its own."""
        ...


@dataclass(frozen=True, slots=True)
class LabelledLines:
    """All that one label file or a folder of LMDBs holds."""

    entries: tuple[LineEntry, ...]
    images: tuple[EncodedImage, ...]
    """Of the entries, in their order."""
    rejects: tuple[Reject, ...]
    resolved: str
    """One sentence: the format that was found and where images are looked for."""

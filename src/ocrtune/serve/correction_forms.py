"""The forms of corrections in the API: what is sent and what is answered."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ocrtune.data.corrections import TEXT_LIMIT, Correction

LINES_LIMIT = 500
"""Lines of one request: a full page of small print has 200."""

PAGE_LIMIT = 500
"""Pages of a file, as `--max-pages` allows at most."""

StateName = Literal["waiting", "accepted", "rejected"]
OrderName = Literal["least-certain", "newest"]

Coordinate = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
Corner = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]
Corners = Annotated[list[Corner], Field(min_length=4, max_length=4)]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class CorrectedLine(_Sent):
    """A line, as `POST /api/ocr` answered it, and what it says in truth."""

    text: Text
    """In truth. It is stored in normal form C, without white space at its ends."""
    reading: Annotated[str, Field(max_length=TEXT_LIMIT)]
    """As answered."""
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """As answered."""
    box: Corners
    """As answered; px of the page."""
    stacked: bool = False
    """As answered."""


class CorrectedPage(_Sent):
    """Corrected lines of a page, with the file that was read: the service cuts the lines out of it itself."""

    image: Annotated[str, Field(json_schema_extra={"format": "byte"})]
    """The image, TIFF or PDF as base64. Only the lines are kept of it."""
    page: Annotated[int, Field(ge=0, lt=PAGE_LIMIT)] = 0
    """Of the file, from 0."""
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of the model that read it, as answered."""
    lines: Annotated[list[CorrectedLine], Field(min_length=1, max_length=LINES_LIMIT)]


class Review(_Sent):
    """What is to change; what is left out stays."""

    state: StateName | None = None
    text: Text | None = None


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class CorrectionForm(_Form):
    """A stored correction."""

    id: int
    source: str
    """SHA-256 of the file that was read; its name is not stored."""
    page: int
    box: list[list[float]]
    width: int
    """Of the picture, px."""
    height: int
    reading: str
    confidence: float
    digest: str
    text: str
    state: StateName
    who: str | None
    """Name of the token that it came with."""
    made_at: str
    """UTC, ISO 8601."""
    reviewer: str | None
    reviewed_at: str | None


class CountsForm(_Form):
    """How many corrections there are."""

    waiting: int
    accepted: int
    rejected: int


class StoredForm(_Form):
    """What was stored, in the order in which it was sent."""

    corrections: list[CorrectionForm]


class CorrectionsForm(StoredForm):
    """Some corrections."""

    counts: CountsForm
    next: str | None
    """To be sent as `after` for those that follow; null where there are none."""


def correction_form(correction: Correction) -> CorrectionForm:
    """`CorrectionForm` of a correction."""
    return CorrectionForm.model_validate(asdict(correction))


def cursor_of(correction: Correction) -> str:
    """What names the place of a correction in any order."""
    return f"{correction.confidence:.6f}_{correction.id}"


CURSOR = r"^[01]\.[0-9]{6}_[0-9]{1,18}$"
"""Form of `cursor_of`."""


def parsed_cursor(cursor: str) -> tuple[float, int]:
    """Confidence and id out of `cursor_of`."""
    confidence, _, number = cursor.partition("_")
    return float(confidence), int(number)

"""The forms of the API's answers: described for OpenAPI, and made of what was read."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ocrtune.records import Page, PageLine, Prediction
from ocrtune.serve.errors import Unit
from ocrtune.serve.registry import ModelEntry, ModelStates

Mode = Literal["page", "line"]

Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class CharacterForm(_Form):
    """A symbol that was read."""

    symbol: str
    confidence: float
    """0..1"""
    box: Box


class LineForm(_Form):
    """A line of text."""

    text: str
    confidence: float
    """0..1; 0 where nothing was read."""
    box: Box
    """Upper left, upper right, lower right, lower left corner as the text runs; px of the page as given."""
    page: int
    """Index into `pages`."""
    row: int
    """Lines side by side have the same one."""
    block: int
    """The column or run of rows it belongs to."""
    stacked: bool
    """Its symbols stand upright one below the other."""
    characters: list[CharacterForm]


class PageForm(_Form):
    """A page: an image, or a page of a PDF or TIFF."""

    width: int
    """px, after EXIF rotation"""
    height: int
    angle: Literal[0, 90, 180, 270]
    """Degrees to turn the page clockwise by so that it stands upright."""
    text: str
    """A row for each line of text; wide gaps are tabs."""
    confidence: float


class Reading(_Form):
    """What was read on one image or document."""

    text: list[LineForm]
    """Its lines in reading order, of all pages."""
    pages: list[PageForm]


class ErrorForm(_Form):
    """Why there is no result."""

    error: str
    """A code that stays as it is."""
    message: str
    limit: float | None = None
    """The limit that was met."""
    got: float | None = None
    """What met it."""
    unit: Unit | None = None
    image: int | None = None
    """Index of the image in its request."""


class FailedReading(_Form):
    """An image among several that could not be read."""

    error: ErrorForm
    status: int
    """What the whole answer's status would have been for this image alone."""


class _Made(_Form):
    mode: Mode
    model: str
    digest: str
    """SHA-256 that names the model exactly."""
    total_time: float
    """Seconds from the request's first byte to the answer."""


class Answer(Reading, _Made):
    """The answer to `image`."""


class Answers(_Made):
    """The answer to `images`: results in their order."""

    results: list[Reading | FailedReading]


class ModelForm(_Form):
    """A model that may be asked for by its name."""

    name: str
    active: bool
    loaded: bool
    digest: str | None = None
    symbols: int | None = None
    """How many it knows."""
    architecture: str | None = None
    licence: str | None = None
    origin: str | None = None
    parent: str | None = None
    """Digest of the model it was fine-tuned from."""
    metrics: dict[str, dict[str, float]] | None = None
    error: str | None = None
    """Why it cannot be used."""


class ModelsForm(_Form):
    """All models."""

    active: str
    previous: str | None
    """What a rollback makes active."""
    models: list[ModelForm]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class Activation(_Wanted):
    """Which model to make active."""

    model: str
    """A name of `GET /api/models`."""


class Rollback(_Wanted):
    """To make the model active that was so before."""

    rollback: Literal[True]


class Health(_Form):
    """That the service answers, and with which model."""

    status: Literal["ok"]
    model: str
    digest: str


class LimitsForm(_Form):
    """What the service takes."""

    bytes: int
    """Of a request's body."""
    pixels: int
    """Declared width times height of an image or page."""
    pages: int
    """Of a PDF or TIFF."""
    images: int
    """Of a request."""
    seconds: float
    """Until a request is given up."""
    queue: int
    """Requests taken and not yet answered."""
    formats: list[str]
    modes: list[Mode]
    cleaning: list[str]
    token_required: bool
    corrections: bool
    """Whether corrections are collected."""


def described_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route's description names the statuses of its failures."""
    return {status: {"model": ErrorForm} for status in statuses}


def page_reading(pages: list[Page]) -> dict[str, Any]:
    """`Reading` of a document's pages."""
    return {
        "text": [
            {**line.to_json(), "page": number} for number, page in enumerate(pages) for line in page.lines
        ],
        "pages": [
            {
                "width": page.width,
                "height": page.height,
                "angle": page.angle,
                "text": page.text,
                "confidence": round(page.confidence, 6),
            }
            for page in pages
        ],
    }


def line_reading(height: int, width: int, prediction: Prediction) -> dict[str, Any]:
    """`Reading` of an image of this size in px that shows one line."""
    box = ((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
    line = PageLine(box, prediction, length=float(width), row=0, block=0)
    return page_reading([Page(width, height, 0, (line,))])


def models_answer(states: ModelStates) -> dict[str, Any]:
    """`ModelsForm` of a service's models."""
    return {
        "active": states.active,
        "previous": states.previous,
        "models": [_model_answer(entry) for entry in states.entries],
    }


def _model_answer(entry: ModelEntry) -> dict[str, Any]:
    answer = {"name": entry.name, "active": entry.is_active, "loaded": entry.is_loaded}
    if entry.manifest is None:
        return {**answer, "error": entry.error}
    manifest = entry.manifest
    return {
        **answer,
        "digest": manifest.digest,
        "symbols": len(manifest.symbols),
        "architecture": manifest.architecture.name,
        "licence": manifest.licence,
        "origin": manifest.origin,
        "parent": manifest.parent,
        "metrics": {
            name: {key: value for key, value in figures.items() if math.isfinite(value)}  # JSON has no NaN
            for name, figures in manifest.metrics.items()
        },
    }

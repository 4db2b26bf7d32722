"""The routes of corrections: lines that people mend, kept where the operator asked for it (`--collect`)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, TypeVar, cast

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.responses import Response

from ocrtune.config import ServeConfig
from ocrtune.data.corrections import (
    CorrectionStore,
    NewCorrection,
    Order,
    State,
    StoreFullError,
    checked_text,
)
from ocrtune.errors import InputError
from ocrtune.records import Quadrilateral
from ocrtune.serve.access import allows
from ocrtune.serve.answers import described_errors
from ocrtune.serve.correction_forms import (
    CURSOR,
    CorrectedPage,
    CorrectionForm,
    CorrectionsForm,
    CountsForm,
    OrderName,
    Review,
    StateName,
    StoredForm,
    correction_form,
    cursor_of,
    parsed_cursor,
)
from ocrtune.serve.door import STARTED
from ocrtune.serve.errors import ApiError, Unit
from ocrtune.serve.service import LinePlace, OcrService
from ocrtune.serve.tokens import Client, Tokens

Number = Annotated[int, Path(ge=1, lt=2**63, description="Its id.")]

T = TypeVar("T")

log = logging.getLogger("ocrtune.serve")


def open_store(path: FilePath, config: ServeConfig) -> CorrectionStore:
    """The file that corrections go to.

    Raises:
        InputError: it cannot be used.
    """
    return CorrectionStore(path, config.max_corrections, config.max_collected_mib * 2**20)


def add_corrections(app: FastAPI, service: OcrService, store: CorrectionStore | None, tokens: Tokens) -> None:
    """Add the routes to the app; without a store all of them say that nothing is collected."""
    config = service.config
    admin = Depends(allows(tokens, admin=True))

    def sender(request: Request) -> Client:
        return tokens.client(request.headers.get("authorization"))

    @app.post(
        "/api/corrections",
        status_code=201,
        responses=described_errors(400, 401, 404, 408, 413, 415, 422, 429, 503, 504, 507),
        dependencies=[Depends(allows(tokens))],
    )
    async def correct(request: Request, sent: CorrectedPage) -> StoredForm:
        """Keep corrected lines of a page to train on; a later text for a place replaces the one before."""
        kept = _require(store)
        texts = [_text(line.text, number) for number, line in enumerate(sent.lines)]
        places = [LinePlace(_quadrilateral(line.box), line.stacked) for line in sent.lines]
        deadline: float = request.scope[STARTED] + config.deadline
        with service.place():
            content, source = await asyncio.to_thread(_decoded, sent.image)
            cuts = await service.cut_lines(content, sent.page, places, deadline)
        new = [
            NewCorrection(
                source, sent.page, place.box, cut.width, cut.height, cut.png, line.reading, line.confidence,
                sent.digest, text, sender(request).name,
            )
            for line, text, place, cut in zip(sent.lines, texts, places, cuts, strict=True)
        ]  # fmt: skip
        stored = await _stored(lambda: kept.add(new))
        return StoredForm(corrections=[correction_form(each) for each in stored])

    @app.get(
        "/api/corrections",
        responses=described_errors(401, 403, 404, 422, 503),
        dependencies=[admin],
    )
    async def corrections(
        order: Annotated[OrderName, Query(description="Which come first.")] = "least-certain",
        state: Annotated[StateName | None, Query(description="Only those; without it all.")] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 50,
        after: Annotated[
            str | None, Query(pattern=CURSOR, description="`next` of the answer before.")
        ] = None,
    ) -> CorrectionsForm:
        """The corrections there are, without their pictures; takes an admin's token."""
        kept = _require(store)
        wanted = None if state is None else State(state)
        place = None if after is None else parsed_cursor(after)
        found = await _stored(lambda: kept.listed(Order(order), wanted, limit + 1, place))
        counts = await _stored(kept.counts)
        return CorrectionsForm(
            corrections=[correction_form(each) for each in found[:limit]],
            counts=CountsForm.model_validate(counts),
            next=cursor_of(found[limit - 1]) if len(found) > limit else None,
        )

    @app.get(
        "/api/corrections/{number}/image",
        response_class=Response,
        responses={
            200: {"content": {"image/png": {}}, "description": "PNG"},
            **described_errors(401, 403, 404, 422, 503),
        },
        dependencies=[admin],
    )
    async def picture(number: Number) -> Response:
        """The picture of a corrected line, as a recogniser is given it; takes an admin's token."""
        kept = _require(store)
        content = await _stored(lambda: kept.image(number))
        if content is None:
            raise _unknown()
        return Response(content, media_type="image/png")

    @app.patch(
        "/api/corrections/{number}",
        responses=described_errors(400, 401, 403, 404, 413, 422, 503),
        dependencies=[admin],
    )
    async def review(request: Request, number: Number, wanted: Review) -> CorrectionForm:
        """Accept, reject or mend a correction, or let it wait again; takes an admin's token."""
        kept = _require(store)
        if await _stored(lambda: kept.get(number)) is None:
            raise _unknown()
        text = None if wanted.text is None else _text(wanted.text, None)
        state = None if wanted.state is None else State(wanted.state)
        changed = await _stored(lambda: kept.review(number, state, text, sender(request).name))
        if changed is None:
            raise _unknown()
        return correction_form(changed)

    @app.delete(
        "/api/corrections/{number}",
        status_code=204,
        responses=described_errors(401, 403, 404, 422, 503),
        dependencies=[Depends(allows(tokens))],
    )
    async def delete(request: Request, number: Number) -> None:
        """Delete a correction and its picture for good.

        An admin may delete any, others what they sent as long as nobody has reviewed it.
        """
        kept = _require(store)
        client = sender(request)
        found = await _stored(lambda: kept.get(number))
        own = found is not None and found.who == client.name and found.state is State.WAITING
        if not (client.is_admin or own):
            # Who may not see a correction is not told whether there is one.
            raise ApiError(
                "not_allowed", "this token may delete what it sent, until somebody has reviewed it"
            )
        if not await _stored(lambda: kept.delete(number)):
            raise _unknown()


def _require(store: CorrectionStore | None) -> CorrectionStore:
    if store is None:
        raise ApiError("corrections_off", "this service keeps no corrections; its operator may (--collect)")
    return store


async def _stored(act: Callable[[], T]) -> T:
    """What the file says, from a thread of its own: the disk may be slow."""
    try:
        return await asyncio.to_thread(act)
    except StoreFullError as error:
        message = f"no more corrections are kept: {error}"
        raise ApiError(
            "corrections_full", message, limit=error.limit, got=error.got, unit=cast(Unit, error.unit)
        ) from error
    except sqlite3.Error as error:
        log.error("the file of corrections: %s", error)
        message = "the file of corrections cannot be used; the log of the service says why"
        raise ApiError("corrections_unavailable", message) from error


def _decoded(image: str) -> tuple[bytes, str]:
    """The file and its digest."""
    try:
        content = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ApiError("bad_base64", "`image` is no base64 (RFC 4648, with + and /)") from error
    return content, hashlib.sha256(content).hexdigest()


def _text(text: str, line: int | None) -> str:
    try:
        return checked_text(text)
    except InputError as error:
        place = "" if line is None else f"line {line}: "
        raise ApiError("bad_parameter", f"{place}{error}") from error


def _quadrilateral(corners: list[list[float]]) -> Quadrilateral:
    return cast(Quadrilateral, tuple((float(x), float(y)) for x, y in corners))


def _unknown() -> ApiError:
    return ApiError("unknown_correction", "there is no correction of this id, or it was deleted")

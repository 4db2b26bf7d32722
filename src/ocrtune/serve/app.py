"""The routes of the service, as FastAPI knows them."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Body, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Scope

from ocrtune.config import ServeConfig
from ocrtune.data.images import FORMATS
from ocrtune.data.page_files import PAGE_LIMIT
from ocrtune.reading.cleaning import Cleaning
from ocrtune.serve.access import allows
from ocrtune.serve.answers import (
    Activation,
    Answer,
    Answers,
    Health,
    LimitsForm,
    Mode,
    ModelsForm,
    Rollback,
    described_errors,
    models_answer,
)
from ocrtune.serve.corrections import add_corrections, open_store
from ocrtune.serve.docs_page import docs_page
from ocrtune.serve.door import PICTURE_PATH, READ_PATH, STARTED, Door, DoorLimits, answered_hosts
from ocrtune.serve.errors import ApiError, error_response
from ocrtune.serve.service import OcrService, ReadRequest
from ocrtune.serve.tokens import Tokens
from ocrtune.serve.uploads import OPENAPI_BODY, OPENAPI_FILE_BODY, read_file, read_upload

PAGE_FOLDER = Path(__file__).parent / "page"
"""The web page: files that are sent as they are."""

CleaningName = Literal["gray", "shadow", "contrast", "deskew", "upscale"]

log = logging.getLogger("ocrtune.serve")

_STATUS_CODES = {404: "not_found", 405: "method_not_allowed"}


def create_app(config: ServeConfig) -> FastAPI:
    """The service as an ASGI app; `app.state.service` is what it reads with.

    Raises:
        InputError: the model, its folder, the tokens or the file of corrections cannot be used.
    """
    tokens = Tokens.from_file(config.tokens)
    store = None if config.collect is None else open_store(config.collect, config)
    service = OcrService(config)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()
        if store is not None:
            store.close()

    app = FastAPI(
        title="ocrtune", version=version("ocrtune"), lifespan=lifespan, docs_url=None, redoc_url=None,
        description="Text out of images: whole pages, documents and single lines.",
    )  # fmt: skip
    app.state.service = service
    app.state.tokens = tokens
    _add_errors(app)
    _add_reading(app, service, tokens)
    _add_pictures(app, service, tokens)
    _add_models(app, service, tokens)
    add_corrections(app, service, store, tokens)
    _add_operation(app, service, tokens)
    app.mount("/", _Page(directory=PAGE_FOLDER, html=True))
    if config.cors_origin:
        app.add_middleware(
            CORSMiddleware, allow_origins=config.cors_origin,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type"),
        )  # fmt: skip
    hosts = answered_hosts(config.host, config.allow_host)
    app.add_middleware(
        Door,
        limits=DoorLimits(config.max_mib * 2**20, config.deadline, hosts),
        observe=lambda route, status: service.metrics.requests.labels(route, str(status)).inc(),
    )
    return app


def _add_reading(app: FastAPI, service: OcrService, tokens: Tokens) -> None:
    config = service.config
    limits = LimitsForm(
        bytes=config.max_mib * 2**20,
        pixels=config.max_mpx * 10**6,
        pages=config.max_pages,
        images=config.max_images,
        seconds=config.deadline,
        queue=config.queue,
        formats=[*FORMATS, "PDF"],
        modes=["page", "line"],
        cleaning=["gray", "shadow", "contrast", "deskew", "upscale"],
        token_required=tokens.are_required,
        corrections=config.collect is not None,
    )

    @app.get("/api/limits")
    async def limits_of_the_service() -> LimitsForm:
        """What the service takes; needs no token."""
        return limits

    @app.post(
        READ_PATH,
        response_model=Answer | Answers,
        openapi_extra={"requestBody": OPENAPI_BODY},
        responses=described_errors(400, 401, 404, 408, 413, 415, 422, 429, 500, 503, 504),
        dependencies=[Depends(allows(tokens))],
    )
    async def read(
        request: Request,
        mode: Annotated[Mode, Query(description="Whole pages, or images of one line each.")] = "page",
        model: Annotated[
            str | None,
            Query(description="A name of GET /api/models; without it the active one.", max_length=255),
        ] = None,
        clean: Annotated[list[CleaningName], Query(description="Changes made to pages first.")] = [],  # noqa: B006
    ) -> Response:
        """Read an image, a document, or several."""
        started: float = request.scope[STARTED]
        with service.place():
            upload = await read_upload(request, config.max_images)
            wanted = ReadRequest(upload.contents, mode, Cleaning.of(clean), started + config.deadline)
            results, used = await service.read(wanted, model)
        seconds = time.monotonic() - started
        service.metrics.seconds.labels(mode).observe(seconds)
        made = {
            "mode": mode,
            "model": used.name,
            "digest": used.manifest.digest,
            "total_time": round(seconds, 4),
        }
        if not upload.is_single:
            failed = [
                {"error": r.to_json(), "status": r.status_code} if isinstance(r, ApiError) else r
                for r in results
            ]
            return JSONResponse({"results": failed, **made})
        if isinstance(results[0], ApiError):
            raise results[0]
        return JSONResponse({**results[0], **made})


def _add_pictures(app: FastAPI, service: OcrService, tokens: Tokens) -> None:
    @app.post(
        PICTURE_PATH,
        response_class=Response,
        openapi_extra={"requestBody": OPENAPI_FILE_BODY},
        responses={
            200: {"content": {"image/jpeg": {}}, "description": "JPEG"},
            **described_errors(400, 401, 408, 413, 415, 422, 429, 500, 504),
        },
        dependencies=[Depends(allows(tokens))],
    )
    async def page_image(
        request: Request,
        page: Annotated[int, Query(ge=0, lt=PAGE_LIMIT, description="Of the file, from 0.")] = 0,
    ) -> Response:
        """A page as a picture, for programs that show what was read and cannot draw PDF, TIFF or PPM.

        It is the page that `POST /api/ocr` reads of the same file, made smaller where it is large: places
        there are px of `pages[].width` and `height`, whatever size the picture has.
        """
        deadline: float = request.scope[STARTED] + service.config.deadline
        with service.place():
            picture = await service.picture(await read_file(request), page, deadline)
        return Response(picture, media_type="image/jpeg")


def _add_models(app: FastAPI, service: OcrService, tokens: Tokens) -> None:
    @app.get("/api/models", responses=described_errors(401), dependencies=[Depends(allows(tokens))])
    def models() -> ModelsForm:
        """The models there are, and which one is active."""
        return ModelsForm.model_validate(models_answer(service.registry.states()))

    @app.put(
        "/api/models/active",
        responses=described_errors(400, 401, 403, 404, 409, 413, 422),
        dependencies=[Depends(allows(tokens, admin=True))],
    )
    async def activate(wanted: Annotated[Activation | Rollback, Body()]) -> ModelsForm:
        """Test a model in a process of its own, load it and make it active; or go back to the one before.

        Until it is done, and if it fails, the model that was active reads on.
        """
        await service.switch(wanted.model if isinstance(wanted, Activation) else None)
        return models()


def _add_operation(app: FastAPI, service: OcrService, tokens: Tokens) -> None:
    @app.get("/healthz")
    async def health() -> Health:
        """That the service answers; needs no token."""
        active = service.registry.active
        return Health(status="ok", model=active.name, digest=active.manifest.digest)

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **described_errors(401)},
        dependencies=[Depends(allows(tokens))],
    )
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()))


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def answer(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error, ApiError):
            return error_response(error)
        code = _STATUS_CODES.get(error.status_code, "bad_request")
        found = ApiError(code, str(error.detail), headers=error.headers)
        return error_response(found)

    @app.exception_handler(RequestValidationError)
    async def answer_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        code = "bad_request" if first["type"] == "json_invalid" else "bad_parameter"
        return error_response(ApiError(code, f"{place}: {first['msg']}"))

    @app.exception_handler(ClientDisconnect)
    async def forget(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody is there to read it

    @app.exception_handler(Exception)
    async def answer_defect(request: Request, error: Exception) -> JSONResponse:
        return error_response(ApiError("internal_error", "the service has a defect; its log says more"))


class _Page(StaticFiles):
    """Files of the web page; a browser asks each time whether they are still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        for route in scope["app"].router.routes:
            match, _ = route.matches(scope)
            if match is Match.PARTIAL:  # a route of the API, asked with another method
                raise HTTPException(405, headers={"Allow": ", ".join(sorted(route.methods))})
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response

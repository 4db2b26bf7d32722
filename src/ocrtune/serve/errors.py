"""What a request can be answered instead of a result: a status, a code, a sentence, and the limit it met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

Unit = Literal["bytes", "px", "pages", "images", "seconds", "requests", "corrections"]

STATUS = {
    "bad_request": 400,
    "token_needed": 401,
    "not_allowed": 403,
    "not_found": 404,
    "unknown_model": 404,
    "corrections_off": 404,
    "unknown_correction": 404,
    "method_not_allowed": 405,
    "upload_too_slow": 408,
    "switch_in_progress": 409,
    "no_previous_model": 409,
    "body_too_large": 413,
    "image_too_large": 413,
    "too_many_pages": 413,
    "too_many_images": 413,
    "unsupported_type": 415,
    "unsupported_format": 415,
    "unknown_host": 421,
    "no_image": 422,
    "empty_image": 422,
    "broken_image": 422,
    "image_too_slow": 422,
    "encrypted_pdf": 422,
    "bad_parameter": 422,
    "bad_base64": 422,
    "model_failed": 422,
    "busy": 429,
    "internal_error": 500,
    "stopping": 503,
    "corrections_unavailable": 503,
    "deadline_exceeded": 504,
    "corrections_full": 507,
}
"""Every code an answer may carry, and its HTTP status."""


class ApiError(HTTPException):
    """An answer that is no result.

    Starlette's HTTPException, because FastAPI passes that one through where it reads bodies.

    Args:
        code: one of `STATUS`.
        message: a sentence for people, without paths.
        limit: the limit that was met.
        got: what it met, where that is known.
        unit: of both.
        image: index of the image in its request.
        headers: besides the usual ones.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        limit: float | None = None,
        got: float | None = None,
        unit: Unit | None = None,
        image: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(STATUS[code], message, headers)
        self.code = code
        self.message = message
        self.limit = limit
        self.got = got
        self.unit = unit
        self.image = image

    def of_image(self, image: int) -> ApiError:
        """The same about the image at this index of the request."""
        return ApiError(
            self.code,
            self.message,
            limit=self.limit,
            got=self.got,
            unit=self.unit,
            image=image,
            headers=self.headers,
        )

    def to_json(self) -> dict[str, object]:
        """As it is sent; what does not apply is left out."""
        fields = {
            "error": self.code,
            "message": self.message,
            "limit": self.limit,
            "got": self.got,
            "unit": self.unit,
            "image": self.image,
        }
        return {name: value for name, value in fields.items() if value is not None}


def busy(message: str, limit: float, got: float, unit: Unit) -> ApiError:
    """The service has all the work it takes; a second later some of it is done."""
    return ApiError("busy", message, limit=limit, got=got, unit=unit, headers={"Retry-After": "1"})


def error_response(error: ApiError) -> JSONResponse:
    """The answer itself."""
    return JSONResponse(error.to_json(), error.status_code, error.headers)

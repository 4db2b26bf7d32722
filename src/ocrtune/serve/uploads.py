"""From a request's body to the files in it: multipart or JSON with base64, in memory only."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ocrtune.serve.errors import ApiError

# It warns of every odd byte a stranger sends; the answer says so to the stranger.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

_FIELD_LIMIT = 64 * 1024  # bytes of a form field that is no file; none is needed
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+(;[\w.+=-]+)*;base64,", re.ASCII)
_WHITE_SPACE = str.maketrans("", "", " \t\r\n")

_ONE_OF_TWO = {"minProperties": 1, "maxProperties": 1, "additionalProperties": False}

OPENAPI_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "description": "One of the two.",
                **_ONE_OF_TWO,
                "properties": {
                    "image": {
                        "type": "string", "format": "binary", "description": "An image, TIFF or PDF.",
                    },
                    "images": {
                        "type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"},
                    },
                },
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "description": "One of the two, as base64; a data: URL is taken too.",
                **_ONE_OF_TWO,
                "properties": {
                    "image": {"type": "string", "format": "byte"},
                    "images": {
                        "type": "array", "minItems": 1, "items": {"type": "string", "format": "byte"},
                    },
                },
            }
        },
    },
}  # fmt: skip
"""For the document of the API, as the body is read here and not by FastAPI."""

OPENAPI_FILE_BODY = {
    "required": True,
    "content": {
        kind: {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["image"],
                "properties": {"image": {"type": "string", "format": form, "description": described}},
            }
        }
        for kind, form, described in (
            ("multipart/form-data", "binary", "An image, TIFF or PDF."),
            ("application/json", "byte", "As base64; a data: URL is taken too."),
        )
    },
}
"""The same of a route that takes one file."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The files of a request."""

    contents: Sequence[bytes | ApiError]
    is_single: bool
    """Sent as `image`; otherwise as `images`."""


async def read_upload(request: Request, image_limit: int) -> Upload:
    """Read the body of a request.

    Args:
        request: whose body comes through the door, which bounds it.
        image_limit: images at most.

    Raises:
        ApiError: it cannot be parsed, has no image, or has too many.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        upload = await _from_form(request, image_limit)
    elif kind == "application/json":
        upload = _from_json(await request.body())
    else:
        raise ApiError(
            "unsupported_type", "send multipart/form-data or application/json, named in Content-Type"
        )
    if not upload.contents:
        raise ApiError("no_image", "there is no image in the request; send it as `image` or `images`")
    if len(upload.contents) > image_limit:
        raise _too_many(image_limit, len(upload.contents))
    return upload


async def read_file(request: Request) -> bytes:
    """Read the body of a request that brings one file, as `image`.

    Raises:
        ApiError: as `read_upload`, or there is no such file in it.
    """
    upload = await read_upload(request, 1)
    (content,) = upload.contents
    if not upload.is_single:
        raise ApiError("bad_parameter", "send one file, as `image`")
    if isinstance(content, ApiError):
        raise content
    return content


async def _from_form(request: Request, image_limit: int) -> Upload:
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=image_limit + 1,  # one more than may be, so that the answer can tell
        max_fields=16,
        max_part_size=_FIELD_LIMIT,
    )  # fmt: skip
    parser.spool_max_size = 2**31  # the door bounds the body: nothing of it goes to the disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise _too_many(image_limit, None) from error
        raise ApiError("bad_request", f"the multipart body cannot be read: {error.message}") from error
    except (LookupError, ValueError) as error:  # of the parser below, or of an encoding that is none of text
        raise ApiError("bad_request", "the multipart body cannot be read") from error
    try:
        if other := sorted(form.keys() - {"image", "images"}):
            raise ApiError(
                "bad_parameter", f"there is no field `{other[0][:40]}`; send the file as `image` or `images`"
            )
        single, several = _files(form, "image"), _files(form, "images")
        _refuse_both(bool(single), bool(several))
        if len(single) > 1:
            raise ApiError("bad_parameter", "`image` is one file; send several as `images`")
        return Upload([await file.read() for file in single or several], bool(single))
    finally:
        await form.close()


def _files(form: FormData, name: str) -> list[UploadFile]:
    values = form.getlist(name)
    files = [value for value in values if isinstance(value, UploadFile)]
    if len(files) < len(values):
        raise ApiError("no_image", f"`{name}` is text; send it as a file, with a file name")
    return files


def _from_json(body: bytes) -> Upload:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError("bad_request", "the body is not JSON") from error
    if not isinstance(fields, dict) or not fields.keys() <= {"image", "images"}:
        raise ApiError("bad_parameter", 'send {"image": "BASE64"} or {"images": ["BASE64", …]}')
    _refuse_both("image" in fields, "images" in fields)
    if "image" in fields:
        return Upload([_from_base64(fields["image"])], is_single=True)
    images = fields.get("images", [])
    if not isinstance(images, list):
        raise ApiError("bad_parameter", "`images` is a list of base64 strings")
    return Upload([_from_base64(image) for image in images], is_single=False)


def _from_base64(text: object) -> bytes | ApiError:
    if not isinstance(text, str):
        raise ApiError("bad_parameter", "an image is a string of base64")
    if (start := _DATA_URL.match(text)) is not None:
        text = text[start.end() :]
    try:
        return base64.b64decode(text.translate(_WHITE_SPACE), validate=True)
    except (binascii.Error, ValueError):
        return ApiError("bad_base64", "it is no base64 (RFC 4648, with + and /)")


def _refuse_both(single: bool, several: bool) -> None:
    if single and several:
        raise ApiError("bad_parameter", "send `image` or `images`, not both")


def _too_many(limit: int, got: int | None) -> ApiError:
    shown = "more" if got is None else str(got)
    return ApiError(
        "too_many_images", f"the request has {shown} images; at most {limit} are read",
        limit=limit, got=got, unit="images",
    )  # fmt: skip

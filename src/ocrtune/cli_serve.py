"""The command that serves."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ocrtune.cli import note
from ocrtune.config import ServeConfig


def serve(*, config: Annotated[ServeConfig, Parameter(name="*")] = ServeConfig()) -> None:  # noqa: B008
    """Serve a model over REST, with a web page to try it.

    POST an image as field `image` to /api/ocr; /docs describes the rest.
    """
    from ocrtune.serve.server import run

    run(config, note)

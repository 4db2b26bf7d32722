"""Which routes need a token, as FastAPI knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from ocrtune.serve.tokens import Client, Tokens

_bearer = HTTPBearer(auto_error=False)


def allows(tokens: Tokens, *, admin: bool = False) -> Callable[..., Client]:
    """A dependency that lets only clients with a token in, and says which one it is."""

    def client(request: Request) -> Client:
        return tokens.client(request.headers.get("authorization"), admin=admin)

    def client_with_token(request: Request, _: Annotated[Any, Depends(_bearer)]) -> Client:
        return client(request)

    return client_with_token if tokens.are_required else client  # the description tells which

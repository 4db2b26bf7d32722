"""Who may use the service: bearer tokens out of a file."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocrtune.errors import InputError
from ocrtune.serve.errors import ApiError

SHORTEST = 16
"""Characters of a token: `openssl rand -hex 16` gives 32."""

_FILE_LIMIT = 2**20
_ADMIN = "admin"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}  # RFC 6750


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request."""

    name: str | None
    """As the token file has it; None where there is none."""
    is_admin: bool


class Tokens:
    """The clients that are let in. Tokens themselves are not kept.

    Args:
        clients: by the SHA-256 of their tokens; None lets everybody do everything.
    """

    def __init__(self, clients: Mapping[bytes, Client] | None) -> None:
        self._clients = clients

    @classmethod
    def from_file(cls, path: Path | None) -> Tokens:
        """Read a file with a line `NAME TOKEN` or `NAME TOKEN admin` for each client; `#` begins a comment.

        Raises:
            InputError: unreadable, or a line that is none of these; tokens are not repeated in the message.
        """
        if path is None:
            return cls(None)
        try:
            if path.stat().st_size > _FILE_LIMIT:
                raise InputError(f"--tokens {path} is over 1 MiB: not a file of tokens")
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read --tokens {path}: {error}") from error
        clients: dict[bytes, Client] = {}
        for number, line in enumerate(lines, 1):
            fields = line.partition("#")[0].split()
            if not fields:
                continue
            if len(fields) not in (2, 3) or fields[2:] not in ([], [_ADMIN]):
                raise InputError(f"{path}:{number}: write NAME TOKEN, or NAME TOKEN admin")
            name, token = fields[:2]
            if len(token) < SHORTEST:
                raise InputError(f"{path}:{number}: the token of {name} has under {SHORTEST} characters")
            if (key := _digest(token)) in clients:
                raise InputError(f"{path}:{number}: {name} and {clients[key].name} have the same token")
            clients[key] = Client(name, len(fields) == 3)
        if not clients:
            raise InputError(f"--tokens {path} has no token; without the option nobody needs one")
        return cls(clients)

    @property
    def are_required(self) -> bool:
        """Whether anybody needs one."""
        return self._clients is not None

    def client(self, authorization: str | None, *, admin: bool = False) -> Client:
        """Who sends this Authorization header.

        Args:
            authorization: the header, if there is one.
            admin: only who may switch models and review corrections will do.

        Raises:
            ApiError: it has no token that is known, or the client may not.
        """
        if self._clients is None:
            return Client(None, is_admin=True)
        scheme, _, token = (authorization or "").partition(" ")
        sent = _digest(token.strip())
        # Each is compared in full, so that time tells nothing.
        known = [client for key, client in self._clients.items() if hmac.compare_digest(key, sent)]
        if scheme.lower() != "bearer" or not known:
            message = "send a token that the service knows: Authorization: Bearer TOKEN"
            raise ApiError("token_needed", message, headers=_CHALLENGE)
        if admin and not known[0].is_admin:
            raise ApiError("not_allowed", "this token may read and correct; this takes one with `admin`")
        return known[0]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

"""Asks a running service for its models and makes one active, over its REST API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, NoReturn

from ocrtune.errors import BarError, InputError
from ocrtune.serve.door import is_loopback

PATIENCE = 60.0
"""Seconds that another switch of the model may take."""

PAUSE = 1.0
"""Seconds before it is asked again."""

_TIMEOUT = 300.0  # seconds of an answer: a model is tested before it becomes active
_ANSWER_LIMIT = 2**24  # bytes


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of the service."""

    name: str
    digest: str | None
    """None where it cannot be used."""


class ServiceClient:
    """Speaks with `ocrtune serve`.

    Args:
        url: such as http://localhost:5000, with a path where the service stands below one.
        token: an admin's, where the service wants one. It is sent to this address alone.

    Raises:
        InputError: the address is none.
    """

    def __init__(self, url: str, token: str | None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise InputError(f"--service {url} is no address; write it like http://localhost:5000")
        self.url = url.rstrip("/")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if is_loopback(parts.hostname):
            handlers.append(urllib.request.ProxyHandler({}))  # a proxy is another machine
        self._opener = urllib.request.build_opener(*handlers)

    def active(self) -> ServedModel:
        """The model that the service reads with.

        Raises:
            InputError: it does not answer, or refuses.
        """
        return _active(self._ask("GET", "/api/models"))

    def activate(self, name: str, digest: str) -> None:
        """Make a model active; the service tests it first. Returns once it is.

        Args:
            name: as the service has it.
            digest: of the model that is meant.

        Raises:
            BarError: the service says why not; the model that was active is so still.
            InputError: it does not answer.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                active = _active(self._ask("PUT", "/api/models/active", {"model": name}))
                break
            except _RefusedError as refused:
                if refused.code != "switch_in_progress" or time.monotonic() > deadline:
                    hint = ""
                    if refused.code == "unknown_model":
                        hint = "; is --models the folder that the service was started with?"
                    raise BarError(f"the service did not activate {name}: {refused.said}{hint}") from refused
            time.sleep(PAUSE)
        if (active.name, active.digest) != (name, digest):
            raise BarError(
                f"the service reads with {active.name} ({(active.digest or '')[:12]}) and not with the "
                f"{name} ({digest[:12]}) that was to be active; is --models its folder?"
            )

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers if body is None else self._headers | {"Content-Type": "application/json"}
        # The scheme was looked at when the client was made.
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                return _parsed(response.read(_ANSWER_LIMIT), self.url)
        except urllib.error.HTTPError as error:
            with error:
                answer = _parsed(error.read(_ANSWER_LIMIT), self.url)
            said = answer.get("message", f"status {error.code}")
            raise _RefusedError(self.url, str(answer.get("error", "")), str(said)) from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise InputError(f"--service {self.url} does not answer: {reason}; is it running?") from error


class _RefusedError(InputError):
    """The service's own answer why not."""

    def __init__(self, url: str, code: str, said: str) -> None:
        self.code, self.said = code, said
        super().__init__(f"--service {url} refuses: {said}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for this address alone."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> NoReturn:
        raise InputError(f"--service {req.full_url} leads on to {newurl}; give that address if you trust it")


def _active(answer: dict[str, Any]) -> ServedModel:
    try:
        name = str(answer["active"])
        (model,) = (each for each in answer["models"] if each["name"] == name)
        return ServedModel(name, model.get("digest"))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "--service gives an answer that is none of ocrtune's; is the address right?"
        ) from error


def _parsed(content: bytes, url: str) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError as error:
        raise InputError(f"--service {url} does not answer as ocrtune does; is the address right?") from error
    if not isinstance(answer, dict):
        raise InputError(f"--service {url} does not answer as ocrtune does; is the address right?")
    return answer

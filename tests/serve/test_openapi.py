"""The service keeps to its own description of itself."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ocrtune.serve.errors import STATUS

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode)
def test_answers_are_as_described(running, mode):
    """What the description allows is sent, and what it forbids; every answer must be one it names."""
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    asked = []
    for operation in (found.ok() for found in schema.get_all_operations()):
        asked.append(operation.label)

        @EXAMPLES
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            # Bytes that fit the description are rarely an image.
            unfit = [positive_data_acceptance] if case.path == "/api/ocr" else []
            case.call_and_validate(excluded_checks=unfit)

        try:
            ask()
        except Unsatisfiable:  # without parameters or body there is nothing wrong to send
            assert mode is GenerationMode.NEGATIVE
    assert len(asked) == 6


def test_every_status_is_described(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/limits", "/api/ocr", "/api/models", "/api/models/active", "/healthz", "/metrics",
    }  # fmt: skip
    described = {int(status) for status in paths["/api/ocr"]["post"]["responses"]}
    assert described == {200, 400, 401, 404, 408, 413, 415, 422, 429, 500, 503, 504}
    assert described - {200} <= set(STATUS.values())

"""The service keeps to its own description of itself."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from ocrtune.serve.errors import STATUS


@pytest.mark.slow
def test_answers_are_as_described(running):
    """What the description allows is sent, and what it forbids; every answer must be one it names."""
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")

    @schema.parametrize()
    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    def check(case):
        case.call_and_validate()

    for operation in schema.get_all_operations():
        described = operation.ok()

        @settings(
            max_examples=30,
            deadline=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @schemathesis.hypothesis_given(described)
        def ask(case):
            case.call_and_validate()

        ask()


def test_every_status_is_described(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/limits", "/api/ocr", "/api/models", "/api/models/active", "/healthz", "/metrics",
    }  # fmt: skip
    described = {int(status) for status in paths["/api/ocr"]["post"]["responses"]}
    assert described == {200, 400, 401, 404, 408, 413, 415, 422, 429, 500, 503, 504}
    assert described - {200} <= set(STATUS.values())

"""The service keeps to its own description of itself."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ocrtune.config import ServeConfig
from ocrtune.data.corrections import CorrectionStore, NewCorrection
from ocrtune.serve.errors import STATUS

WITH_IMAGES = ("/api/ocr", "/api/page-image", "/api/corrections")

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def collecting(serving, block_onnx, models, tmp_path_factory):
    """A service that keeps corrections and has some."""
    database = tmp_path_factory.mktemp("corrections") / "corrections.db"
    store = CorrectionStore(database, 9, 10**6)
    box = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
    store.add(
        NewCorrection("0" * 64, page, box, 9, 9, b"PNG", "a", 0.5, "0" * 64, "b", None) for page in range(3)
    )
    store.close()
    with serving(
        ServeConfig(model=str(block_onnx), models=models, deadline=600, collect=database)
    ) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode)
def test_answers_are_as_described(collecting, mode):
    """What the description allows is sent, and what it forbids; every answer must be one it names."""
    schema = schemathesis.openapi.from_url(f"{collecting.url}/openapi.json")
    asked = []
    for operation in (found.ok() for found in schema.get_all_operations()):
        asked.append(operation.label)

        @EXAMPLES
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            # Bytes that fit the description are rarely an image.
            unfit = [positive_data_acceptance] if case.path in WITH_IMAGES else []
            case.call_and_validate(excluded_checks=unfit)

        try:
            ask()
        except Unsatisfiable:  # without parameters or body there is nothing wrong to send
            assert mode is GenerationMode.NEGATIVE
    assert len(asked) == 12


def test_every_status_is_described(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/limits", "/api/ocr", "/api/page-image", "/api/models", "/api/models/active", "/api/corrections",
        "/api/corrections/{number}", "/api/corrections/{number}/image", "/healthz", "/metrics",
    }  # fmt: skip
    described = {int(status) for status in paths["/api/ocr"]["post"]["responses"]}
    assert described == {200, 400, 401, 404, 408, 413, 415, 422, 429, 500, 503, 504}
    assert described - {200} <= set(STATUS.values())
    pictures = {int(status) for status in paths["/api/page-image"]["post"]["responses"]}
    assert pictures == described - {404, 503}  # which are of models

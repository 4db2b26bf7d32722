"""Switching models: what fails changes nothing, and what is being read is read by one model."""

from __future__ import annotations

import shutil
import threading
import time

import numpy as np
import pytest

from ocrtune.config import ServeConfig
from ocrtune.errors import InputError
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.serve.line_queue import LineQueue
from ocrtune.serve.registry import Registry, model_name
from ocrtune.serve.self_test import check_recognizer

NAMES = ["blocks", "broken", "no-numbers", "stranger", "swapped", "ppocrv6-small"]


def active(client):
    return client.get("/healthz").json()["model"]


def test_models_are_listed_with_what_they_are(client, block_onnx):
    answer = client.get("/api/models").json()
    assert (answer["active"], answer["previous"]) == ("blocks", None)
    by_name = {model["name"]: model for model in answer["models"]}
    assert list(by_name) == NAMES
    manifest = find_model(block_onnx).manifest
    assert {k: v for k, v in by_name["blocks"].items() if k != "loaded"} == {
        "name": "blocks",
        "active": True,
        "digest": manifest.digest,
        "symbols": 4,
        "architecture": "blocks",
        "licence": "CC0-1.0",
        "origin": "made by the tests",
        "parent": None,
        "metrics": {},
        "error": None,
    }
    assert "is not an ONNX file" in by_name["broken"]["error"]
    assert "/" not in by_name["broken"]["error"]
    assert "without ocrtune's description" in by_name["stranger"]["error"]


# request, status, code
@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"model": "none-such"}, 404, "unknown_model"),
        ({"model": "/etc/passwd"}, 404, "unknown_model"),
        ({"model": "broken"}, 422, "model_failed"),
        ({"model": "stranger"}, 422, "model_failed"),
        ({"model": "no-numbers"}, 422, "model_failed"),
        ({"rollback": True}, 409, "no_previous_model"),
        ({}, 422, "bad_parameter"),
        ({"model": "swapped", "rollback": True}, 422, "bad_parameter"),
        ({"model": 5}, 422, "bad_parameter"),
        ({"model": "swapped", "path": "/"}, 422, "bad_parameter"),
    ],
)
def test_what_cannot_become_active_changes_nothing(client, models, wanted, status, code):
    response = client.put("/api/models/active", json=wanted)
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert str(models) not in response.text
    assert active(client) == "blocks"


@pytest.mark.slow
def test_a_switch_under_load_fails_and_mixes_nothing(block_onnx, models, line_png, serving):
    """Every answer is of one model: all its lines, its name and its digest."""
    config = ServeConfig(model=str(block_onnx), models=models, deadline=600)
    images = [("images", ("x", line_png(text))) for text in ("abc", "aab", "a a", "cab")]
    expected = {"blocks": ["abc", "aab", "a a", "cab"], "swapped": ["cba", "ccb", "c c", "acb"]}
    digests = {name: find_model(models / f"{name}.onnx").manifest.digest for name in expected}
    wrong, seen, stop = [], set(), threading.Event()

    def read(running):
        with running.client() as own:
            while not stop.is_set():
                response = own.post("/api/ocr?mode=line", files=images)
                answer = response.json()
                name = answer.get("model")
                texts = [result["text"][0]["text"] for result in answer.get("results", [])]
                seen.add(name)
                if texts != expected.get(name) or answer["digest"] != digests[name]:
                    wrong.append((response.status_code, answer))

    with serving(config) as running, running.client() as client:
        readers = [threading.Thread(target=read, args=(running,)) for _ in range(8)]
        for reader in readers:
            reader.start()
        for name in ("swapped", "blocks", "blocks"):
            assert client.put("/api/models/active", json={"model": name}).json()["active"] == name
        for name in ("swapped", "blocks", "swapped"):
            answer = client.put("/api/models/active", json={"rollback": True}).json()
            assert (answer["active"], answer["previous"]) == (
                name,
                {"swapped", "blocks"}.difference([name]).pop(),
            )
        stop.set()
        for reader in readers:
            reader.join(600)
    assert wrong == []
    assert seen == {"blocks", "swapped"}


def registry(models, *, first="blocks.onnx"):
    return Registry(str(models / first), models, lambda recognizer: LineQueue(recognizer, 1))


def test_a_second_switch_waits_for_nobody(models, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def slow(place):
        begun.set()
        assert go.wait(60)
        return find_model(place).manifest.digest

    monkeypatch.setattr("ocrtune.serve.registry.run_apart", slow)
    models_of = registry(models)
    first = threading.Thread(target=models_of.switch, args=("swapped",))
    first.start()
    assert begun.wait(60)
    with pytest.raises(Exception, match="another switch of the active model is under way"):
        models_of.switch("blocks")
    assert models_of.active.name == "blocks"
    go.set()
    first.join(60)
    assert models_of.active.name == "swapped"
    models_of.close()


def test_a_model_is_kept_for_who_holds_it_and_ended_after(models, tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    for name in "abcde":
        shutil.copy(models / "blocks.onnx", folder / f"{name}.onnx")
    monkeypatch.setattr("ocrtune.serve.registry.run_apart", lambda place: find_model(place).manifest.digest)
    models_of = registry(folder, first="a.onnx")
    held = {name: models_of.hold(name) for name in "abcd"}
    assert [entry.name for entry in models_of.states().entries if entry.is_loaded] == list("abcd")
    for model in held.values():
        models_of.release(model)
    assert [entry.name for entry in models_of.states().entries if entry.is_loaded] == list("acd")
    old = models_of.hold("a")
    models_of.switch("a")  # loaded anew
    assert models_of.active is not old
    black = np.zeros((8, 8), np.uint8)
    assert old.queue.submit(black, time.monotonic() + 60).result(60).text == ""
    models_of.release(old)
    for thread in old.queue._threads:
        thread.join(60)
        assert not thread.is_alive()
    models_of.close()


def test_a_first_model_that_fails_is_told_at_once(models):
    with pytest.raises(InputError, match="is not an ONNX file"):
        registry(models, first="broken.onnx")
    with pytest.raises(InputError, match="is no folder"):
        Registry(None, models / "none", lambda recognizer: LineQueue(recognizer, 1))


def test_names_of_models(tmp_path, block_bundle):
    assert model_name(block_bundle.path) == "run"
    assert model_name(block_bundle.path.parent) == "run"
    assert model_name(block_bundle.path / "model.onnx") == "model"


def test_a_model_whose_text_depends_on_its_company_fails(block_onnx):
    found = find_model(block_onnx)
    recognizer = OnnxRecognizer(found.manifest, found.onnx_path)
    check_recognizer(recognizer)

    class Mixing:
        manifest = found.manifest

        def recognize(self, images):
            return recognizer.recognize(images if len(images) == 1 else [*images[1:], images[0]])

    with pytest.raises(InputError, match="test line 0 reads"):
        check_recognizer(Mixing())

"""Runs that validate on made lines: nearer to the base where nothing is lost by it."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from ocrtune.bundle import ModelBundle
from ocrtune.config import TrainConfig
from ocrtune.evaluate.metrics import measure
from ocrtune.train.ending import describe_share
from ocrtune.train.guard import GuardScore
from ocrtune.train.run import train
from ocrtune.train.validation import Validation
from ocrtune.train.way_back import (
    Point,
    Way,
    best_that_is_kept,
    copied_weights,
    nearest_that_keeps_the_gain,
)


class _ErrorByWeight:
    """Stands for a validator: a network reads all but `errors` of ten lines, by its weight."""

    def __init__(self, errors: dict[float, int]) -> None:
        self.errors = errors
        self.seen: list[float] = []

    def score(self, network: nn.Module, bf16: bool, layout: torch.memory_format) -> Validation:
        weight = round(float(network.weight.detach()), 3)
        self.seen.append(weight)
        wrong = next(count for bound, count in self.errors.items() if weight <= bound)
        return Validation(measure([("a", "b" if i < wrong else "a") for i in range(100)]), 0.0, ())


def _moved(start: float, end: float) -> tuple[nn.Linear, dict[str, torch.Tensor]]:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, start)
    weights = dict(copied_weights(network))
    nn.init.constant_(network.weight, end)
    return network, weights


@pytest.mark.parametrize(
    ("errors", "share"),
    [
        # from 50 to 10 errors of 100: up to 12 are allowed
        ({2.69: 50, 2.79: 12, 3.0: 10}, 0.7),
        ({2.59: 50, 2.79: 13, 2.89: 12, 3.0: 10}, 0.8),
        ({2.95: 50, 3.0: 10}, 1.0),
        # nothing gained: as near as it goes
        ({3.0: 10}, 0.6),
    ],
)
def test_the_nearest_weights_that_keep_the_gain(errors: dict[float, int], share: float) -> None:
    validator = _ErrorByWeight(errors)
    way = _way(validator)
    point = nearest_that_keeps_the_gain(way)
    assert isinstance(point, Point)
    assert point.share == share
    assert float(way.network.weight.detach()) == pytest.approx(2 + share)
    assert validator.seen[:2] == [2.0, 3.0]


class _ExactByWeight:
    """Stands for a guard that allows a drop of half a point: what it reads, by the weight of a network."""

    def __init__(self, exact: dict[float, float]) -> None:
        self._exact = exact

    def score(self, network: nn.Module) -> GuardScore:
        weight = round(float(network.weight.detach()), 3)
        exact = next(share for bound, share in self._exact.items() if weight <= bound)
        return GuardScore(exact, 0.95, 0.0, 0.005)


def _way(validator: _ErrorByWeight, guard: _ExactByWeight | None = None) -> Way:
    """From a weight of 2 to one of 3; the base reads 95 % of the general lines."""
    network, start = _moved(2.0, 3.0)
    reading = (False, torch.contiguous_format)
    return Way(network, start, validator, *reading, guard)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("errors", "exact", "share"),
    [
        # every step gains, and the guard ends it
        ({2.1: 50, 2.5: 30, 2.7: 20, 3.0: 10}, {2.7: 0.945, 3.0: 0.944}, 0.6),
        # the guard allows all of it, but the middle reads better
        ({2.1: 50, 2.5: 5, 3.0: 10}, {3.0: 0.96}, 0.4),
        # of points that read alike the one furthest on the way
        ({3.0: 10}, {3.0: 0.95}, 1.0),
        ({3.0: 10}, {2.1: 0.95, 3.0: 0.9}, None),
    ],
)
def test_the_best_weights_that_the_guard_allows(
    errors: dict[float, int], exact: dict[float, float], share: float | None
) -> None:
    way = _way(_ErrorByWeight(errors), _ExactByWeight(exact))
    point = best_that_is_kept(way)
    assert (None if point is None else point.share) == share
    if point is not None:
        assert float(way.network.weight.detach()) == pytest.approx(2 + point.share)


def test_made_lines_do_not_outvote_the_guard() -> None:
    """0.6 keeps the gain on made lines, but general lines are read from 0.7 on only."""
    exact = {2.15: 0.95, 2.65: 0.9, 3.0: 0.95}
    point = nearest_that_keeps_the_gain(_way(_ErrorByWeight({3.0: 10}), _ExactByWeight(exact)))
    assert point is not None
    assert point.share == 0.7
    nothing = nearest_that_keeps_the_gain(_way(_ErrorByWeight({3.0: 10}), _ExactByWeight({3.0: 0.9})))
    assert nothing is None


def test_there_is_no_way_back_for_a_symbol_that_the_base_does_not_know() -> None:
    network = nn.Sequential(OrderedDict(features=nn.Linear(1, 3), head=nn.Linear(3, 4)))
    with torch.no_grad():
        start = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
        network.load_state_dict({name: torch.ones_like(tensor) for name, tensor in start.items()})
    way = Way(network, start, None, False, torch.contiguous_format, added=[1, 3])  # type: ignore[arg-type]
    way.go_to(0.25)
    assert network.features.weight.unique().tolist() == [0.25]
    assert network.head.weight[:, 0].tolist() == [0.25, 1.0, 0.25, 1.0]
    assert network.head.bias.tolist() == [0.25, 1.0, 0.25, 1.0]
    way.go_to(0.0)
    assert not any(tensor.any() for tensor in network.state_dict().values())


def _run(lines: Path, tiny: Path, output: Path, **changes: str) -> dict[str, object]:
    options = {"train": (str(lines),), "output": output, "base": str(tiny), "epochs": 1, "batch_size": 2}
    train(TrainConfig.model_validate(options | {"max_bad": 0.2, "lr": 1e-3} | changes))
    return ModelBundle.open(output / "best").manifest.training


@pytest.fixture
def made_lines(digit_lines: Path, tmp_path: Path) -> Path:
    """The digits as if a recipe had made them."""
    made = tmp_path / "made"
    made.mkdir()
    (made / "images").symlink_to(digit_lines / "images")
    (made / "labels.txt").write_text((digit_lines / "labels.txt").read_text())
    (made / "made.json").write_text(json.dumps({"runs": []}))
    return made


def test_a_run_on_made_lines_records_how_far_it_went_back(
    made_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    training = _run(made_lines, tiny_base, tmp_path / "run")
    assert training["way_back"] in (0.6, 0.7, 0.8, 0.9, 1.0)
    start, end, kept = (
        ModelBundle.open(path).load_weights()
        for path in (tiny_base, tmp_path / "run/last", tmp_path / "run/best")
    )
    name = "features.6.weight"
    expected = start[name] + training["way_back"] * (end[name] - start[name])
    assert torch.allclose(torch.tensor(kept[name]), torch.tensor(expected), atol=1e-6)


@pytest.mark.slow
def test_a_run_killed_at_its_very_end_does_not_go_back_twice(
    made_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """Resumed, it took the finished model for the end of training, and went back from there again."""
    run = tmp_path / "run"
    _run(made_lines, tiny_base, run)
    finished = ModelBundle.open(run / "best").manifest
    train(TrainConfig(output=run), resume=True)
    assert ModelBundle.open(run / "best").manifest == finished


@pytest.mark.slow
def test_a_run_on_real_lines_stays_where_training_led_it(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    training = _run(digit_lines, tiny_base, tmp_path / "run")
    assert training["recipe"]["way_back"] is False
    assert "way_back" not in training


def test_what_was_done_is_said() -> None:
    assert "kept 60% of the way from the base" in describe_share(0.6)
    assert "nowhere nearer to the base" in describe_share(1.0)


@pytest.mark.slow
def test_never_going_back_is_a_choice(made_lines: Path, tiny_base: Path, tmp_path: Path) -> None:
    training = _run(made_lines, tiny_base, tmp_path / "run", way_back="never")
    assert training["recipe"]["way_back"] is False
    assert "way_back" not in training

"""What is said of a network without torch is what the network says of itself."""

from __future__ import annotations

import pytest

from ocrtune.bundle import Architecture, Option
from ocrtune.data.check.model_limits import find_limits, steps_of
from ocrtune.decoding import ClassLayout


def test_steps_are_those_of_the_network() -> None:
    pytest.importorskip("torch", reason="builds networks")
    from ocrtune.models import NETWORKS, build

    cases: list[tuple[str, dict[str, Option]]] = [(name, {}) for name in NETWORKS]
    cases += [("ppocrv6-small", {"time_stride": 4}), ("vgg-attn", {"max_length": 7})]
    for name, options in cases:
        small: dict[str, Option] = {"channels": 16} if "channels" in NETWORKS[name].options else {}
        network = build(name, options | small, 5)
        steps = steps_of(Architecture(name=name, options=options), ClassLayout(network.classes))
        assert steps is not None
        assert [steps(w) for w in range(32, 400, 7)] == [network.steps(w) for w in range(32, 400, 7)], name


def test_without_a_model_training_chooses_symbols_and_the_finest_stride() -> None:
    trained, base = find_limits(None), find_limits("ppocrv6-small")
    assert trained.charset is None
    assert base.charset is not None
    assert trained.steps is not None
    assert base.steps is not None
    assert (trained.steps(320), base.steps(320)) == (80, 40)


def test_a_network_that_is_not_ours_has_no_known_steps() -> None:
    assert steps_of(Architecture(name="blocks")) is None

"""Replay: general lines on which a network is held to what its start reads."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ocrtune.data.general_lines import GeneralLines
from ocrtune.decoding import ATTENTION, CTC
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.train.batches import Batch
from ocrtune.train.objective import per_symbol
from ocrtune.train.replay import Replay, divergence
from ocrtune.train.state import Position

FONTS = (matplotlib_font_folder() / "DejaVuSans.ttf", matplotlib_font_folder() / "DejaVuSerif.ttf")


def test_the_divergence_is_that_of_the_definition() -> None:
    teacher, student = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.25, 0.5, 0.25])
    expected = 0.5 * np.log(2) + 0.25 * np.log(0.5)
    logits = [p.log().expand(1, 3, 3) + shift for p, shift in ((student, 5.0), (teacher, -2.0))]
    assert divergence(*logits).tolist()[0] == pytest.approx(3 * [expected], abs=1e-6)
    assert divergence(logits[1], logits[1]).tolist()[0] == pytest.approx(3 * [0.0], abs=1e-6)


class _Feed:
    """Batches by number; each pass has three."""

    def epoch(self, epoch: int, skip: int = 0) -> Generator[Batch]:
        for number in range(skip, 3):
            lengths = np.ones(1, np.int64)
            image = np.full((1, 1, 1, 2), 10 * epoch + number, np.float32)
            yield Batch(image, lengths, lengths, 1.0, lines=np.array([number]), places=np.array([0]))


def _replay(pace: float) -> Replay:
    memory = torch.contiguous_format
    return Replay(nn.Linear(2, 3), _Feed(), pace, CTC, memory)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pace", "due"), [(0.5, [1, 3, 5, 7]), (1.0, list(range(8))), (0.3, [3, 6])])
def test_replay_is_spread_over_the_steps(pace: float, due: list[int]) -> None:
    replay = _replay(pace)
    assert [step for step in range(8) if replay.is_due(step)] == due


def test_replayed_lines_come_again_and_go_on_where_they_were() -> None:
    def numbers(replay: Replay, position: Position, count: int) -> list[int]:
        return [int(replay.next_batch(position).images[0, 0, 0, 0]) for _ in range(count)]

    whole = [0, 1, 2, 10, 11, 12, 20]
    assert numbers(_replay(1.0), Position(), 7) == whole
    position = Position()
    assert numbers(_replay(1.0), position, 4) == whole[:4]
    assert (position.replay_pass, position.replay_batch) == (1, 1)
    assert numbers(_replay(1.0), position, 3) == whole[4:]


def test_closing_ends_what_prepares_lines() -> None:
    ended: list[int] = []

    class Watched(_Feed):
        def epoch(self, epoch: int, skip: int = 0) -> Generator[Batch]:
            try:
                yield from super().epoch(epoch, skip)
            finally:
                ended.append(epoch)

    replay = Replay(nn.Linear(2, 3), Watched(), 1.0, CTC, torch.contiguous_format)  # type: ignore[arg-type]
    replay.close()
    replay.next_batch(Position())
    assert ended == []
    replay.close()
    assert ended == [0]


def test_the_teacher_itself_has_nothing_to_learn() -> None:
    network = nn.Sequential(nn.Flatten(2), nn.Linear(2, 3))  # (N, 1, 1, 2) to (N, 1, 3)
    replay = Replay(network, _Feed(), 1.0, CTC, torch.contiguous_format)  # type: ignore[arg-type]
    batch, device = replay.next_batch(Position()), torch.device("cpu")
    loss = replay.loss(network, batch, device, "fp32")
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert float(network[1].weight.grad.abs().max()) == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        network[1].bias += torch.tensor([1.0, 0.0, 0.0])
    assert float(replay.loss(network, batch, device, "fp32").detach()) > 0.01


def test_a_new_symbol_is_not_replayed_as_its_look_alike() -> None:
    """It starts with the row of one, so the start gives each half; asked for that, letters were forgotten."""
    network = nn.Sequential(nn.Flatten(2), nn.Linear(2, 4))
    with torch.no_grad():
        network[1].weight[3] = network[1].weight[2]
        network[1].bias[3] = network[1].bias[2]
    replay = Replay(network, _Feed(), 1.0, CTC, torch.contiguous_format, added=[3])  # type: ignore[arg-type]
    batch, device = replay.next_batch(Position()), torch.device("cpu")
    before = float(replay.loss(network, batch, device, "fp32").detach())
    with torch.no_grad():
        network[1].bias[3] = -1e4
    assert before > 0.01
    assert float(replay.loss(network, batch, device, "fp32").detach()) == pytest.approx(0, abs=1e-6)


class _Decoder(nn.Module):
    """An attention decoder of four classes that says the same whatever it sees: (N, S, 4) from labels fed."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(3, 4))  # of the steps

    def forward(self, images: torch.Tensor, fed: torch.Tensor) -> torch.Tensor:
        return self.scores[: fed.shape[1]].expand(len(fed), -1, -1)


@pytest.mark.parametrize(("step", "counted"), [(0, [1.0, 1.0]), (1, [1.0, 1.0]), (2, [0.0, 1.0])])
def test_of_a_decoder_nothing_is_asked_behind_the_end_of_a_text(step: int, counted: list[float]) -> None:
    """The first line has one symbol and its end, the second two."""
    network, lengths = _Decoder(), np.array([1, 2])
    replay = Replay(network, _Feed(), 1.0, ATTENTION, torch.contiguous_format)  # type: ignore[arg-type]
    with torch.no_grad():
        network.scores[step, 2] += 1.0
    moved = divergence(network.scores[None], replay.teacher.scores[None])[0, step].detach()
    images, places = np.zeros((2, 1, 1, 2), np.float32), np.arange(2)
    batch = Batch(images, np.array([2, 2, 3]), lengths, 1.0, lines=places, places=places)
    loss = replay.loss(network, batch, torch.device("cpu"), "fp32").detach()
    expected = per_symbol(moved * torch.tensor(counted), torch.from_numpy(lengths)).mean()
    torch.testing.assert_close(loss, expected)


def test_every_symbol_that_fonts_have_is_replayed() -> None:
    symbols = "abcXYZ019 .,éß⅓中"
    lines = GeneralLines.of(symbols, FONTS)
    assert set(lines.undrawable) == {"中"}
    drawn = lines.all_symbols("replay", 60, 1, "clean")
    assert set("".join(entry.text for entry in drawn.entries)) == set(symbols) - {"中"}
    assert drawn.resolved.endswith("general text in 15 symbols; 1 are in no font here: 中")
    image = drawn.image(0)
    assert not np.array_equal(image.shape, drawn.image(0, look=1).shape) or (image != drawn.image(0, 1)).any()


def test_general_lines_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    """One of 6,000 ended a training in its seventh epoch."""
    profile = tmp_path / "grey.yaml"
    pairs = '["#808080", "#828282"], ' * 9 + '["#101010", "#f0f0f0"]'
    profile.write_text(
        "description: grey on grey\nline_height: [20, 30]\n"
        f"paper: {{colours: {{probability: 1, spread: 0, brightness: 1, pairs: [{pairs}]}}}}\n"
    )
    drawn = GeneralLines.of("abcXYZ", FONTS).all_symbols("replay", 40, 1, str(profile))
    left_out = 40 - len(drawn.entries)
    assert 0 < left_out < 40
    assert f"{left_out} that are too faint or small to be read are left out" in drawn.resolved
    for number in range(len(drawn.entries)):
        drawn.image(number, look=3)

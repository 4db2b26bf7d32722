"""Symbols that the base does not know: their rows of the head are learned first, and nothing else changes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.train.conftest import write_lines
from torch import Tensor, nn

from ocrtune.config import TrainConfig
from ocrtune.models.head import Head
from ocrtune.train import new_symbols
from ocrtune.train.batches import Batch
from ocrtune.train.new_symbols import LinesToFit, NewSymbols
from ocrtune.train.objective import ctc_loss
from ocrtune.train.run import train
from ocrtune.train.step import Learner

PLAIN_E, PLAIN_O, NEW_E, NEW_O, UNSEEN = 1, 2, 3, 4, 5
CLASSES, FEATURES = 6, 4


class Marks(nn.Module):
    """Reads (N, 1, 4, T): rows of the image are an e, an o, a mark above, and nothing at all."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head(FEATURES, CLASSES)
        rows = {0: [0, 0, 0, 8], PLAIN_E: [8, 0, 0, 0], PLAIN_O: [0, 8, 0, 0]}
        looks = rows | {NEW_E: rows[PLAIN_E], NEW_O: rows[PLAIN_O], UNSEEN: rows[PLAIN_O]}
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([looks[i] for i in range(CLASSES)]))
            self.head.bias.zero_()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(images[:, 0].transpose(1, 2))
        return logits


LOOKS = {PLAIN_E: [1, 0, 0, 0], PLAIN_O: [0, 1, 0, 0], NEW_E: [1, 0, 1, 0], NEW_O: [0, 1, 1, 0]}


def batch(*labels: list[int]) -> Batch:
    """Each symbol in a step of its own, with an empty one behind it."""
    steps = 2 * max(map(len, labels))
    images = np.zeros((len(labels), 1, FEATURES, steps), np.float32)
    images[:, 0, 3] = 1
    for number, label in enumerate(labels):
        for place, symbol in enumerate(label):
            images[number, 0, :, 2 * place] = LOOKS[symbol]
    lengths = np.array(list(map(len, labels)))
    places = np.arange(len(labels))
    return Batch(images, np.concatenate(labels), lengths, 1.0, lines=places, places=places)


def fitting(network: nn.Module, stop: bool = False) -> NewSymbols:
    device, memory = torch.device("cpu"), torch.contiguous_format
    return NewSymbols(network, [NEW_E, NEW_O, UNSEEN], device, "fp32", memory, (), lambda _: stop)


def test_marks_that_the_features_show_are_learned_and_all_else_stays() -> None:
    network = Marks()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    taught = [batch([PLAIN_E, NEW_E], [NEW_O, PLAIN_O]), batch([NEW_E, NEW_O, PLAIN_E])]
    assert fitting(network).fit(taught, [batch([PLAIN_E, PLAIN_O], [PLAIN_O, PLAIN_O])], seed=0)
    asked = batch([NEW_O, NEW_E, PLAIN_O, PLAIN_E])
    with torch.no_grad():
        read = network(torch.from_numpy(asked.images)).argmax(2)[0].tolist()
    assert read[::2] == [NEW_O, NEW_E, PLAIN_O, PLAIN_E]
    assert read[1::2] == [0, 0, 0, 0]
    for name, tensor in network.state_dict().items():
        same = [i for i in range(CLASSES) if torch.equal(tensor[i], before[name][i])]
        assert same == [0, PLAIN_E, PLAIN_O, UNSEEN]


def test_the_loss_of_a_line_is_that_of_all_classes() -> None:
    """Only the columns of its label are kept; the others stand together."""
    network = Marks()
    nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(1))
    given = batch([PLAIN_E, NEW_E], [NEW_O, PLAIN_O, NEW_E])
    reader = fitting(network)
    added = network.head.weight[3:6].detach(), network.head.bias[3:6].detach()
    ours = new_symbols._loss(reader._read(given), *added)
    logits = network(torch.from_numpy(given.images)).detach()
    lengths = torch.from_numpy(given.target_lengths)
    # The second line has one symbol more, and so the first two empty steps more than it needs, as in `given`.
    expected = ctc_loss(logits, torch.from_numpy(given.targets), lengths) / lengths
    torch.testing.assert_close(ours, expected.mean())


def test_what_known_symbols_give_away_is_the_divergence_from_before() -> None:
    network = Marks()
    lines = fitting(network)._read(batch([PLAIN_E, PLAIN_O]))
    weight, bias = torch.zeros(1, FEATURES), torch.full((1,), 2.0)
    logits = torch.from_numpy(batch([PLAIN_E, PLAIN_O]).images)[0, 0].T @ network.head.weight[:3].detach().T
    before = logits.log_softmax(1)
    after = torch.cat((logits, torch.full((4, 1), 2.0)), 1).log_softmax(1)[:, :3]
    expected = (before.exp() * (before - after)).sum() / 2
    torch.testing.assert_close(new_symbols._lost(lines, weight, bias), expected)


def test_who_stops_keeps_the_look_alikes() -> None:
    network = Marks()
    before = network.head.weight.clone()

    def lines() -> Iterator[Batch]:
        yield batch([NEW_E])
        pytest.fail("went on reading")

    assert not fitting(network, stop=True).fit(lines(), seed=0)
    assert torch.equal(network.head.weight, before)


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Lines of digits, every third with a letter that the base lacks."""
    return write_lines(tmp_path / "letters", [f"{i}{'X' if i % 3 == 0 else ''}{i % 7}" for i in range(30)])


def test_lines_of_each_new_symbol_are_chosen_alike_and_some_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """X stands in a thousand lines, Y in four and Z in none; 1 is an old symbol."""
    monkeypatch.setattr(new_symbols, "LINES", 12)
    x, y, z = 7, 8, 9
    labels = [[1, x] if i % 2 else [1] for i in range(2000)]
    for i in (3, 500, 1000, 1999):
        labels[i] = [y]
    chosen = LinesToFit.of(len(labels), labels.__getitem__, [x, y, z])
    shown = [label for i in chosen.showing for label in labels[i]]
    assert (len(chosen.showing), shown.count(x), shown.count(y)) == (12, 8, 4)
    assert chosen.symbols == 2
    assert [labels[i] for i in chosen.others] == 4 * [[1]]
    assert not LinesToFit.of(len(labels), labels.__getitem__, [z]).showing


@pytest.mark.slow
def test_symbols_are_found_however_labels_write_them(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one code point or as two, they are the same; decomposed labels were passed over."""
    texts = [f"{i}{'e' + chr(0x301) if i % 3 == 0 else ''}{i % 7}" for i in range(30)]
    train(config(write_lines(tmp_path / "letters", texts), tiny_base, tmp_path / "run"))
    assert re.search(r"1 new symbols: the head has learned them from \d+ lines in", capsys.readouterr().out)


def test_a_known_case_keeps_its_reading_when_the_case_of_the_labels_is_new() -> None:
    device, memory = torch.device("cpu"), torch.contiguous_format
    pairs = ((NEW_E, PLAIN_E), (PLAIN_O, PLAIN_E))
    network = Marks()
    reading = NewSymbols(network, [NEW_E, NEW_O, UNSEEN], device, "fp32", memory, pairs[:1], lambda _: False)
    plain = fitting(network)._read(batch([PLAIN_E]))
    assert torch.equal(reading._read(batch([PLAIN_E]))[0].scores, plain[0].scores)


def config(letters: Path, tiny: Path, output: Path) -> TrainConfig:
    return TrainConfig(
        train=(str(letters),), base=str(tiny), output=output, steps=4, batch_size=2, lr=1e-3, max_bad=0.2
    )


@pytest.mark.slow
@pytest.mark.parametrize("stopped_in", [(Learner, "learn"), (NewSymbols, "_read")])
def test_a_stopped_run_goes_on_with_what_was_learned_first(
    letters: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    stopped_in: tuple[type, str],
) -> None:  # fmt: skip
    train(config(letters, tiny_base, tmp_path / "straight"))
    assert "1 new symbols: the head has learned them from 9 lines in" in capsys.readouterr().out
    whole = getattr(*stopped_in)
    calls: list[object] = []

    def interrupted(self: object, *given: object) -> object:
        calls.append(given)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return whole(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*stopped_in, interrupted)
        assert train(config(letters, tiny_base, tmp_path / "stopped")).stopped is signal.SIGINT
    assert len(calls) == 2
    train(TrainConfig(output=tmp_path / "stopped"), resume=True)
    ends = [load_file(tmp_path / name / "last/weights.safetensors") for name in ("straight", "stopped")]
    assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert "head.weight" in ends[0]

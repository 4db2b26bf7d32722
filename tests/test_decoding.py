"""Best-path decoding on arrays whose text, confidences and spans are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from ocrtune.charset import Charset
from ocrtune.decoding import (
    ATTENTION,
    CTC,
    UNKNOWN,
    ClassLayout,
    ctc_log_probabilities,
    ctc_steps_needed,
    decode_attention,
    decode_best,
    decode_ctc,
    join_cases,
)
from ocrtune.records import CharacterSpan, Prediction

CHARSET = Charset("ab")  # classes: 0 blank, 1 a, 2 b


def probabilities(*lines: list[tuple[int, float]]) -> np.ndarray:
    """(N, T, 3): at each step this class has this probability, the others share the rest."""
    array = np.empty((len(lines), len(lines[0]), 3), np.float32)
    for row, steps in zip(array, lines, strict=True):
        for step, (winner, p) in zip(row, steps, strict=True):
            step[:] = (1 - p) / 2
            step[winner] = p
    return array


def read(path: str, px_per_step: float = 4, width: int = 1000) -> list[CharacterSpan]:
    """Decode one line of a class per step, given as digits, all at probability 0.8."""
    array = probabilities([(int(c), 0.8) for c in path])
    return list(decode_ctc(array, CHARSET, ClassLayout(), [px_per_step], [width])[0].characters)


@pytest.mark.parametrize(
    ("path", "text", "spans"),
    [
        ("012", "ab", [(4, 8), (8, 12)]),
        # A run is one symbol, as wide as the run.
        ("1110", "a", [(0, 12)]),
        # A blank between makes it two.
        ("1101", "aa", [(0, 8), (12, 16)]),
        ("1221", "aba", [(0, 4), (4, 12), (12, 16)]),
        ("2", "b", [(0, 4)]),
        ("000", "", []),
    ],
)
def test_runs_merge_and_blanks_go(path: str, text: str, spans: list[tuple[float, float]]) -> None:
    characters = read(path)
    assert "".join(c.symbol for c in characters) == text
    assert [(c.start, c.end) for c in characters] == spans


@pytest.mark.parametrize(
    ("px_per_step", "width", "spans"),
    [
        (2.5, 1000, [(2.5, 5.0), (7.5, 10.0)]),
        # The last step reaches into the padding: the span ends with the image.
        (4, 14, [(4, 8), (12, 14)]),
        # A symbol read in the padding stands at the edge.
        (4, 10, [(4, 8), (10, 10)]),
    ],
)
def test_spans_are_px_of_the_image_as_given(
    px_per_step: float, width: int, spans: list[tuple[float, float]]
) -> None:
    assert [(c.start, c.end) for c in read("0102", px_per_step, width)] == spans


def test_a_confidence_is_the_peak_of_its_run() -> None:
    array = probabilities([(1, 0.5), (1, 0.9), (0, 0.99), (2, 0.4)])
    (prediction,) = decode_ctc(array, CHARSET, ClassLayout(), [1], [4])
    assert [c.confidence for c in prediction.characters] == [float(np.float32(p)) for p in (0.9, 0.4)]
    assert prediction.confidence == pytest.approx(0.6)


def test_every_line_of_a_batch_has_its_own_text_scale_and_width() -> None:
    array = probabilities([(1, 0.8), (0, 0.8)], [(0, 0.8), (0, 0.8)], [(2, 0.8), (1, 0.8)])
    first, second, third = decode_ctc(array, CHARSET, ClassLayout(), [1, 2, 3], [10, 10, 5])
    assert (first.text, second.text, third.text) == ("a", "", "ba")
    assert second == Prediction(text="", confidence=0.0)
    assert [(c.start, c.end) for c in third.characters] == [(0, 3), (3, 5)]


def test_no_lines_give_no_predictions() -> None:
    assert decode_ctc(np.zeros((0, 5, 3), np.float32), CHARSET, ClassLayout(), [], []) == []


def test_no_time_steps_give_no_text() -> None:
    """A network of many px per step has none for a very narrow image; decoding it once failed."""
    array = np.zeros((1, 0, 3), np.float32)
    assert decode_ctc(array, CHARSET, ClassLayout(), [8], [4]) == [Prediction(text="", confidence=0.0)]


def test_the_blank_comes_first_and_symbols_follow() -> None:
    layout = ClassLayout()
    assert layout.blank == 0
    assert layout.num_classes(CHARSET) == 3
    assert layout.to_classes(CHARSET.encode("aba")) == [1, 2, 1]
    assert [layout.to_symbol(c) for c in (1, 2)] == [0, 1]


@pytest.mark.parametrize(
    ("classes", "steps"),
    [
        ([], 0),
        ([7], 1),
        ([7, 8, 7], 3),
        # A blank between equal neighbours.
        ([7, 7], 3),
        ([7, 7, 7, 8, 8], 8),
    ],
)
def test_steps_needed(classes: list[int], steps: int) -> None:
    assert ctc_steps_needed(classes) == steps


def read_by_attention(path: str, end: float = 0.8) -> Prediction:
    """Decode a class per step, given as digits: 0 start, 1 end, 2 a, 3 b. The end has probability `end`."""
    array = np.full((1, len(path), 4), 0.05, np.float32)
    for step, digit in enumerate(path):
        array[0, step, int(digit)] = end if digit == "1" else 0.8
    return decode_attention(array, CHARSET, ATTENTION, [120])[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("231", "ab"),
        # No runs are merged, and nothing counts after the end.
        ("2211", "aa"),
        ("2132", "a"),
        ("1222", ""),
        # A start says nothing; a text that never ends is read to the last step.
        ("2031", "ab"),
        ("2323", "abab"),
    ],
)
def test_a_decoder_s_classes_are_read_up_to_the_end(path: str, text: str) -> None:
    prediction = read_by_attention(path)
    assert prediction.text == text
    assert [(c.start, c.end) for c in prediction.characters] == [(0, 120)] * len(text)
    assert ATTENTION.emitted(np.array([int(c) for c in path])) == [2 if c == "a" else 3 for c in text]


@pytest.mark.parametrize(
    ("path", "end", "confidence"),
    [
        ("231", 0.5, (0.8 * 0.8 * 0.5) ** (1 / 3)),  # the end is one of what was emitted
        ("23", 0.5, (0.8 * 0.8 * 0.05) ** (1 / 3)),  # cut off: the end was not seen at all
        ("1", 0.9, 0.0),
    ],
)
def test_the_end_counts_in_the_confidence(path: str, end: float, confidence: float) -> None:
    assert read_by_attention(path, end).confidence == pytest.approx(confidence, rel=1e-6)


def test_the_layout_chooses_the_decoder() -> None:
    array = probabilities([(1, 0.8), (1, 0.8), (2, 0.8)])
    assert decode_best(array, CHARSET, CTC, [4], [12])[0].text == "ab"
    assert decode_best(array, Charset("x"), ATTENTION, [4], [12])[0].text == ""


def test_layouts_number_symbols_behind_their_special_classes() -> None:
    assert (CTC.num_classes(CHARSET), CTC.to_classes([0, 1]), CTC.to_symbol(2)) == (3, [1, 2], 1)
    assert (ATTENTION.num_classes(CHARSET), ATTENTION.to_classes([0, 1])) == (4, [2, 3])
    assert (ATTENTION.to_symbol(2), ATTENTION.start, ATTENTION.end) == (0, 0, 1)
    assert (CTC.steps_needed([1, 1]), ATTENTION.steps_needed([2, 2])) == (3, 3)


def test_ctc_emits_what_its_runs_spell() -> None:
    assert CTC.emitted(np.array([1, 1, 0, 1, 2, 0])) == [1, 1, 2]


def by_all_paths(line: np.ndarray, label: Sequence[int]) -> float:
    """Probability of a label: the sum over every path of classes that collapses to it."""
    steps, classes = line.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        if [c for c, _ in itertools.groupby(path) if c] == list(label):
            total += math.prod(float(line[step, c]) for step, c in enumerate(path))
    return total


@pytest.mark.parametrize("label", [[], [1], [2, 1], [1, 1], [1, 2, 1], [1, 1, 2], [2, 2, 2]])
def test_the_probability_of_a_label_is_that_of_all_its_alignments(label: list[int]) -> None:
    lines = np.random.default_rng(3).dirichlet([0.7] * 3, (2, 5)).astype(np.float32)  # (2, 5, 3)
    log_p = ctc_log_probabilities(lines, [label, [1, 2]], ClassLayout())
    assert np.exp(log_p) == pytest.approx([by_all_paths(lines[0], label), by_all_paths(lines[1], [1, 2])])


def test_a_label_that_does_not_fit_has_no_probability() -> None:
    lines = np.full((2, 3, 3), 1 / 3, np.float32)
    log_p = ctc_log_probabilities(lines, [[1, 1, 1], [1, 2, 1]], ClassLayout())
    assert log_p[0] == -np.inf
    assert np.exp(log_p[1]) == pytest.approx(1 / 27)


def test_an_unknown_symbol_is_whatever_a_step_shows() -> None:
    lines = probabilities([(1, 0.9), (0, 0.9), (2, 0.8)])
    known, unknown = ctc_log_probabilities(np.repeat(lines, 2, axis=0), [[1, 2], [1, UNKNOWN]], ClassLayout())
    assert unknown == pytest.approx(known, abs=0.15)


def test_small_letters_count_for_their_capitals() -> None:
    charset = Charset("aAbÅK\u212ak")  # the sign for kelvin is another look of K
    line = np.array([[[0.1, 0.2, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1]]], np.float32)
    joined = join_cases(line, charset, ClassLayout())
    assert joined[0, 0] == pytest.approx([0.1, 0, 0.3, 0.2, 0.1, 0.2, 0.1, 0])
    assert line[0, 0, 1] == np.float32(0.2)

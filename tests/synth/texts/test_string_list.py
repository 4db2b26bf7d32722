"""Lists of strings keep account of everything, and give each string once per pass."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts import string_list
from ocrtune.synth.texts.labels import Fault
from ocrtune.synth.texts.string_list import EachOnce, Intake, LeftOut

UNUSED = np.random.default_rng(0)


def test_what_is_left_out_is_counted_by_reason_and_shown() -> None:
    intake = Intake("words.txt")
    for number, text in enumerate(["melk", "", "melk", " melk", "a\tb", "brød ", "o\u0308l"], start=1):
        intake.offer(text, number)
    taken = intake.finish()
    assert taken.strings == ("melk", "brød", "öl")
    assert taken.changed == 2
    assert taken.left_out == (
        LeftOut(Fault.DUPLICATE, 2, ("words.txt:3: duplicate: 'melk'", "words.txt:4: duplicate: 'melk'")),
        LeftOut(Fault.EMPTY, 1, ("words.txt:2: empty: ''",)),
        LeftOut(Fault.CONTROL_CHARACTER, 1, (r"words.txt:5: control character: 'a\tb'",)),
    )
    assert taken.summary() == (
        "words.txt: 3 strings; left out: 2 duplicate, 1 empty, 1 control character (the first: "
        "words.txt:3: duplicate: 'melk'); 2 changed to NFC, without invisible characters or outer spaces"
    )


def test_examples_are_few_and_short_however_much_is_wrong() -> None:
    intake = Intake("x")
    intake.offer("fine", 1)
    for number in range(2, 1002):
        intake.offer("y" * 10_000, number)
    (left_out,) = intake.finish().left_out
    assert left_out.count == 1000
    assert len(left_out.examples) == string_list.SHOWN_PER_FAULT
    assert max(map(len, left_out.examples)) < 120


def test_an_input_without_a_single_string() -> None:
    intake = Intake("x.txt")
    intake.offer("a\x00b", 1)
    with pytest.raises(InputError) as caught:
        intake.finish()
    assert str(caught.value) == (
        r"x.txt has no string to make lines of: x.txt:1: control character: 'a\x00b'; write one per line"
    )


def test_long_strings_can_be_left_out_afterwards() -> None:
    intake = Intake("x")
    for number, text in enumerate(["a", "long enough", "a", "bcd"], start=1):
        intake.offer(text, number)
    taken = intake.finish()
    short = taken.up_to(3)
    assert short.strings == ("a", "bcd")
    assert [left.fault for left in short.left_out] == [Fault.DUPLICATE, Fault.TOO_LONG]
    assert short.left_out[1].examples == ("x: too long: 'long enough'",)
    assert taken.up_to(11) == taken
    with pytest.raises(InputError, match="x has no string of up to 0 symbols; allow longer ones"):
        taken.up_to(0)


def test_a_list_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(string_list, "STRINGS_LIMIT", 2)
    intake = Intake("x")
    for text in ("a", "b", "a"):
        intake.offer(text, 1)
    with pytest.raises(InputError, match="x has over 2 distinct strings; give a part of it"):
        intake.offer("c", 4)


def test_every_string_once_in_each_pass() -> None:
    words = tuple(f"w{i}" for i in range(13))
    source = EachOnce(words, seed=3)
    passes = [tuple(source.text(13 * turn + i, UNUSED) for i in range(13)) for turn in range(4)]
    assert all(sorted(order) == sorted(words) for order in passes)
    assert len(set(passes)) == 4
    assert pickle.loads(pickle.dumps(source)) == source

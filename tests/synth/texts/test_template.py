"""Templates: what is filled in, how often each item comes, and forms that are refused."""

from __future__ import annotations

import pickle
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.texts.template import Template


def texts(template: Template, n: int) -> list[str]:
    return [template.text(i, np.random.default_rng((5, i))) for i in range(n)]


def test_spaces_are_kept_and_braces_escaped() -> None:
    template = Template.parse("{item}    {price} {{kr}}", {"item": ["Melk"]}, seed=0)
    assert all(re.fullmatch(r"Melk    \d+,\d\d \{kr\}", text) for text in texts(template, 20))


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 100))
def test_each_item_comes_exactly_as_often_as_asked(items: int, per_item: int, seed: int) -> None:
    names = [f"i{i}" for i in range(items)]
    template = Template.parse("{item} {n}", {"item": names}, seed, per_item)
    length = items * per_item
    assert template.pass_length == length
    for first in (0, length):
        drawn = [template.text(first + i, np.random.default_rng(0)).split()[0] for i in range(length)]
        assert Counter(drawn) == dict.fromkeys(names, per_item)


def test_lists_are_filled_independently() -> None:
    words = [f"w{i}" for i in range(6)]
    template = Template.parse("{a} {b} {a}", {"a": words, "b": words}, seed=1)
    drawn = [text.split() for text in texts(template, 600)]
    for place in range(3):
        assert Counter(row[place] for row in drawn) == dict.fromkeys(words, 100)
    assert len({(row[0], row[1]) for row in drawn}) == 36
    assert len({(row[0], row[2]) for row in drawn}) == 36


def test_a_template_without_lists_has_no_pass() -> None:
    assert Template.parse("{n} x", {}, seed=0).pass_length is None


def test_the_same_line_is_the_same_text_in_another_process() -> None:
    template = Template.parse("{item} {date} {phone}", {"item": ["a", "b", "c"]}, seed=9)
    again = pickle.loads(pickle.dumps(template))
    assert [again.text(i, np.random.default_rng((5, i))) for i in reversed(range(20))] == texts(template, 20)[
        ::-1
    ]


def test_texts_are_labels() -> None:
    """Cleaned again as a whole: parts may meet in one symbol, or leave space at an end."""
    template = Template.parse(" {base}{mark} ", {"base": ["e"], "mark": ["\u0301"]}, seed=0)
    assert texts(template, 1) == ["é"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{item} {prise}", "there is no slot {prise}; slots are item, n, price,"),
        ("{item} {itm}", "did you mean item?"),
        (
            "{item} {price:decmal=.}",
            "{price:decmal=.}: there is no parameter 'decmal'; parameters are decimal;",
        ),
        (
            "{item",
            "'{item' is no template: expected '}' before end of string; a brace itself is written twice",
        ),
        ("{item} }", "is no template: Single '}' encountered in format string"),
        ("{item} {}", "has a slot without a name; write one such as {price}"),
        ("{item!r}", "{item!r} is no slot; leave !r out"),
        ("{item:x}", "the list {item} has no parameters; write {item}"),
        ("{n}", "'{n}' has no slot for the list 'item'; write {item} in it"),
        ("{item.name}", "there is no slot {item.name}"),
        ("{item[0]}", "there is no slot {item[0]}"),
        ("{item}\t{n}", "is no text: control character; write text or slots such as {price}"),
        ("{item}" + "x" * 300, "is no text: too long"),
    ],
)
def test_forms_that_are_no_template(form: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Template.parse(form, {"item": ["a"]}, seed=0)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("", "the template '' gives empty texts; write text or slots such as {price}"),
        ("  ", "the template '  ' gives empty texts"),
        ("{phone: }", "the template '{phone: }' gives empty texts"),
    ],
)
def test_forms_that_give_nothing_to_read(form: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Template.parse(form, {}, seed=0)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("lists", "per_item", "message"),
    [
        ({"price": ["a"]}, 1, "the list 'price' has the name of a typed slot; choose another"),
        ({"item": []}, 1, "the list 'item' is empty"),
        ({"item": ["a"]}, 0, "each item must be used at least once, not 0 times"),
    ],
)
def test_lists_that_cannot_be(lists: dict[str, list[str]], per_item: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Template.parse("{item}", lists, 0, per_item)

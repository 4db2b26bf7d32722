"""Whatever strangers hand in ends as a usable source or as an input error."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.texts.corpus import read_corpus
from ocrtune.synth.texts.dictionaries import read_dictionary
from ocrtune.synth.texts.emphasis import read_miss_rates
from ocrtune.synth.texts.labels import clean, find_fault
from ocrtune.synth.texts.pattern import Pattern
from ocrtune.synth.texts.source import TextSource
from ocrtune.synth.texts.table import read_table
from ocrtune.synth.texts.template import Template
from ocrtune.synth.texts.text_file import read_strings

CONTENT = st.one_of(
    st.binary(max_size=60),
    st.text("ab,;\t|\"'\r\n\0é\ufeff\u2028", max_size=60).map(str.encode),
)


def require_labels(source: TextSource) -> None:
    for index in range(3):
        text = source.text(index, np.random.default_rng(index))
        assert text == clean(text)
        assert find_fault(text) is None


@given(st.one_of(st.text(max_size=20), st.text(r"ab[]()|?*+{}1,2\dw^$.-:P<>=!", max_size=20)))
def test_expressions(expression: str) -> None:
    with contextlib.suppress(InputError):
        require_labels(Pattern.parse(expression))


@given(st.one_of(st.text(max_size=20), st.text("{}:;=!nprice date%dY1, \t", max_size=20)))
def test_templates(form: str) -> None:
    with contextlib.suppress(InputError):
        require_labels(Template.parse(form, {"a": ["x", "é"]} if "{a}" in form else {}, seed=0))


@pytest.mark.parametrize("encoding", [None, "utf-8", "utf-16", "utf-7", "gb18030", "shift_jis", "cp1252"])
@settings(deadline=None, max_examples=40)  # writes files
@given(content=CONTENT)
def test_files(tmp_path_factory: pytest.TempPathFactory, encoding: str | None, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.dic"
    path.write_bytes(content)
    for read in (
        lambda: read_strings(path, encoding),
        lambda: read_table(path, ["a"], None, encoding),
        lambda: read_table(path, ["a"], ",", encoding),
        lambda: read_corpus(path, (2, 5), 0, encoding),
        lambda: read_dictionary(path),
    ):
        with contextlib.suppress(InputError):
            strings = read().strings
            assert len(set(strings)) == len(strings) > 0
            assert all(text == clean(text) and find_fault(text) is None for text in strings)


@given(
    st.recursive(
        st.sampled_from([b"1", b"0.5", b"null", b"NaN", b'"a"', b"true"]),
        lambda part: st.one_of(
            part.map(lambda value: b'{"symbols": %s}' % value),
            part.map(lambda value: b'{"a": %s}' % value),
            st.tuples(part, part).map(lambda pair: b'{"recall": %s, "count": %s}' % pair),
        ),
        max_leaves=4,
    )
)
def test_reports(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert any(read_miss_rates(path).values())


def test_names_that_no_file_can_have() -> None:
    for name in ("a\0b", "a" * 5000, ""):
        with pytest.raises(InputError, match="is missing, or no file"):
            read_strings(Path(name))
    with pytest.raises(InputError, match="cannot read the report"):
        read_miss_rates(Path("a" * 5000))

"""Every text matches its expression, alternatives come evenly; what cannot be drawn is refused."""

from __future__ import annotations

import pickle
import re
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.texts.pattern import PATTERN_LIMIT, Pattern


def texts(expression: str, n: int = 300) -> list[str]:
    pattern, rng = Pattern.parse(expression), np.random.default_rng(0)
    return [pattern.text(i, rng) for i in range(n)]


@pytest.mark.parametrize(
    "expression",
    [
        r"GL-\d{4}-\d{2}-\d{3}-[A-C]",
        r"^[京津沪][A-HJ-NP-Z][A-HJ-NP-Z0-9]{5}$",
        r"\A(?:foo|ba[rz])-x{0,3}y??z\Z",
        r"(?P<day>\d\d)\.(?P<month>\d\d) (?P=day)",
        r"(a|b(c))\1",
        r"((?:a|b){2})-\1",
        r"(?:(a)|(b))c",
        r".{3}[^a-z][^0-9\s]\w\W\D\S",
        r"a\sb",
        r"[\d_][\w.-][\]\\^-]",
        r"\x41\u00e5\N{LATIN SMALL LETTER O WITH STROKE}\.\$",
        r"a{3}b{2,5}(?:cd){0,2}",
        "(?x) a b  # spaces and comments are no part of it",
        r"\$?\d{1,3}(,\d{3}){0,2}\.\d\d",
        r"x(|y|zz)",
        r"[^\W\d_]{3}",
    ],
)
def test_every_text_matches(expression: str) -> None:
    assert [text for text in texts(expression) if not re.fullmatch(expression, text)] == []


@given(
    st.recursive(
        st.sampled_from(["a", "é", "[x-z]", r"\d", r"[^b]", ".", "京"]),
        lambda part: st.one_of(
            st.tuples(part, part).map("".join),
            st.tuples(part, part).map("(?:%s|%s)".__mod__),
            part.map("(%s)".__mod__),
            st.tuples(part, st.integers(1, 2), st.integers(0, 2)).map(
                lambda p: f"(?:{p[0]}){{{p[1]},{p[1] + p[2]}}}"
            ),
        ),
        max_leaves=6,
    )
)
def test_whatever_is_put_together_matches(expression: str) -> None:
    try:
        Pattern.parse(expression)
    except InputError as error:
        if "symbols, over 256" not in str(error):
            raise
        reject()
    assert [text for text in texts(expression, 5) if not re.fullmatch(expression, text)] == []


@pytest.mark.parametrize(
    ("expression", "shares"),
    [
        ("a|b|cc", {"a": 1 / 3, "b": 1 / 3, "cc": 1 / 3}),
        ("(a|bb)|[xyz]", {"a": 1 / 4, "bb": 1 / 4, "x": 1 / 6, "y": 1 / 6, "z": 1 / 6}),
        ("a{1,3}", {"a": 1 / 3, "aa": 1 / 3, "aaa": 1 / 3}),
        ("ab?", {"a": 1 / 2, "ab": 1 / 2}),
        ("[aab]", {"a": 1 / 2, "b": 1 / 2}),
    ],
)
def test_alternatives_come_evenly_at_each_choice(expression: str, shares: dict[str, float]) -> None:
    counts = Counter(texts(expression, 6000))
    assert set(counts) == set(shares)
    for text, share in shares.items():
        assert counts[text] / 6000 == pytest.approx(share, abs=0.025)


def test_open_classes_draw_visible_ascii() -> None:
    visible = set(string.ascii_letters + string.digits + string.punctuation)
    assert set(texts(".", 5000)) == visible
    assert set(texts("[^a]", 5000)) == visible - {"a"}
    assert set(texts(r"\w", 3000)) == set(string.ascii_letters + string.digits + "_")
    assert set(texts(r"\d", 300)) == set(string.digits)


def test_texts_are_labels() -> None:
    assert set(texts(r"[ ]a[ ]{0,2}", 50)) == {"a"}
    assert texts("e\u0301", 1) == ["é"]
    assert set(texts("a[\x00-c]", 3000)) == {"a", *(f"a{chr(code)}" for code in range(0x21, 0x64))}


def test_a_pattern_is_pure_and_can_be_sent_to_a_worker() -> None:
    pattern = Pattern.parse(r"(\d{3})-[A-F]{2}-\1")
    again = pickle.loads(pickle.dumps(pattern))
    assert again == pattern
    assert [again.text(0, np.random.default_rng(i)) for i in range(20)] == [
        pattern.text(7, np.random.default_rng(i)) for i in range(20)
    ]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("a*b", "has no upper bound (`*`, `+` or `{n,}`); write {0,8} for at most 8"),
        ("a+", "has no upper bound"),
        ("a{2,}", "has no upper bound"),
        ("(a+)+$", "has no upper bound"),
        ("((a{100}){100}){100}", "can give 1,000,000 symbols, over 256; bound it tighter"),
        ("a{257}", "can give 257 symbols, over 256"),
        ("(a{200})\\1", "can give 400 symbols, over 256"),
        ("a(){0,1000000000}", "takes 2,000,000,003 steps for a text, over 10,000; simplify it"),
        ("(" * 400 + "a" + ")" * 400, "is nested too deeply"),
        ("a" * (PATTERN_LIMIT + 1), "is over 1000 symbols; split it into several sources"),
        ("a{99999999999999999999}", "is nested too deeply or counts too far; simplify it"),
        ("(a", "is malformed: missing ), unterminated subpattern at position 0"),
        ("[b-a]", "is malformed: bad character range b-a at position 1"),
        ("a(?=b)", "has a lookahead or lookbehind, from which no text can be drawn"),
        ("(?<!a)b", "has a negative lookahead or lookbehind"),
        ("a(?!)", "has a negative lookahead"),
        ("(?i)abc", "sets a flag; write what it means instead, such as [Aa]"),
        ("(?i:a)bc", "sets a flag"),
        ("a{1,2}+b", "has a possessive quantifier"),
        ("(?>a|b)c", "has an atomic group"),
        ("(a)?(?(1)b|c)", "has a conditional group"),
        ("a^b", "has an anchor (^, $, \\b) within; anchors may stand at its ends"),
        (r"\bfoo\b", "has an anchor"),
        (r"(?:(a)|b)\1", "refers to group 1, which may be absent there"),
        (r"(a){0,2}\1", "refers to group 1, which may be absent there"),
        ("", "can give a text without a visible symbol; make one part required"),
        ("a?", "can give a text without a visible symbol"),
        (r"[a ]\s", "can give a text without a visible symbol"),
        ("a\tb", "has a part of which no label can have a symbol: '\\t'"),
        ("a[^ -~]b", "has a part of which no label can have a symbol: ''"),
        ("[\x00-\U0010ffff]", "has a class of over 32,768 symbols; make it smaller"),
        ("\u200b", "has a part of which no label can have a symbol"),
    ],
)
def test_expressions_that_are_refused(expression: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        Pattern.parse(expression)
    message = str(caught.value)
    assert message.startswith("the regular expression ")
    assert problem in message
    assert "\n" not in message

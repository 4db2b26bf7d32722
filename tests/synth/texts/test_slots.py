"""Each slot gives what the guide says, in every form it can be written; wrong ones are named."""

from __future__ import annotations

import datetime
import pickle
import re
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts import check_digits
from ocrtune.synth.texts.slots import SLOTS, build_slot

GUIDE = Path(__file__).parents[3] / "docs" / "texts.md"


def draw(name: str, parameters: str = "", n: int = 200) -> list[str]:
    slot, rng = build_slot(name, parameters), np.random.default_rng(0)
    return [slot(rng) for _ in range(n)]


def test_the_guide_has_every_slot_with_its_parameters() -> None:
    rows = re.findall(r"^\| `\{(\w+)\}` \| (.*?) \| (.*?) \|$", GUIDE.read_text("utf-8"), re.MULTILINE)
    described = {name: re.findall("`(.*?)`", parameters) for name, parameters, _ in rows}
    assert described == {
        name: [f"{field.name}={field.default}" for field in fields(slot)] for name, slot in SLOTS.items()
    }


@pytest.mark.parametrize("name", SLOTS)
def test_each_slot_is_pure_visible_and_can_be_sent_to_a_worker(name: str) -> None:
    slot = pickle.loads(pickle.dumps(build_slot(name, "")))
    assert [slot(np.random.default_rng(i)) for i in range(50)] == [
        build_slot(name, "")(np.random.default_rng(i)) for i in range(50)
    ]
    assert all(text == text.strip() != "" for text in draw(name))
    assert len(set(draw(name))) > 15


@pytest.mark.parametrize(
    ("name", "parameters", "shape"),
    [
        ("n", "", r"[1-9]|1\d|20"),
        ("n", "5;7", "[567]"),
        ("n", "low=0;high=0", "0"),
        ("n", "high=3", "[123]"),
        ("price", "", r"[1-9]\d{0,2},\d\d"),
        ("price", "decimal=.", r"[1-9]\d{0,2}\.\d\d"),
        ("price", ".", r"[1-9]\d{0,2}\.\d\d"),
        ("amount", "", r"[1-9]\d{0,2}(\.\d{3})?,\d\d"),
        ("amount", "decimal=.;thousands= ;digits=9", r"[1-9]\d{0,2}( \d{3}){0,2}\.\d\d"),
        ("amount", "thousands=;digits=4", r"[1-9]\d{0,3},\d\d"),
        ("phone", "", r"[1-9]\d( \d\d){3}"),
        ("phone", "+47 ### ## ###", r"\+47 [1-9]\d\d \d\d \d{3}"),
        ("digits", "", r"\d{6}"),
        ("digits", "40", r"\d{40}"),
        ("mask", "@@ #####", r"[A-Z]{2} \d{5}"),
        ("mask", "form=*;=*", r"[A-Z0-9];=[A-Z0-9]"),
        ("ean", "", r"\d{13}"),
        ("ean", "8;40", r"40\d{6}"),
        ("ean", "prefix=978", r"978\d{10}"),
        ("luhn", "", r"\d{16}"),
        ("mod11", "11;8601", r"8601\d{7}"),
        ("iban", "", r"NO\d\d \d{4} \d{4} \d{3}"),
        ("iban", "country=DE;digits=18", r"DE\d\d( \d{4}){4} \d\d"),
        ("tax", "", r"9\d{8}"),
        ("tax", "CN", r"91\d{6}[0-9A-HJ-NPQRTUWXY]{10}"),
        ("tax", "country=DE", r"DE[1-9]\d{8}"),
        ("tax", "US", r"\d\d-\d{7}"),
    ],
)
def test_shapes(name: str, parameters: str, shape: str) -> None:
    assert [text for text in draw(name, parameters) if not re.fullmatch(shape, text)] == []


@pytest.mark.parametrize(
    ("name", "parameters", "algorithm"),
    [
        ("ean", "", "ean"),
        ("ean", "8", "ean"),
        ("luhn", "", "luhn"),
        ("mod11", "", "mod11"),
        ("tax", "FR", "luhn"),
        ("tax", "IT", "luhn"),
        ("tax", "NO", "mod11"),
        ("tax", "CN", "credit_code"),
        ("tax", "DE", "mod11_10"),
    ],
)
def test_check_digits_are_right(name: str, parameters: str, algorithm: str) -> None:
    compute = getattr(check_digits, algorithm)
    assert all(compute(text.removeprefix("DE")[:-1]) == text[-1] for text in draw(name, parameters))


def test_an_iban_leaves_the_remainder_one() -> None:
    for text in draw("iban"):
        number = text.replace(" ", "")
        digits = "".join(str(int(symbol, 36)) for symbol in number[4:] + number[:4])
        assert int(digits) % 97 == 1


def test_nine_of_ten_prices_are_below_a_hundred() -> None:
    digits = Counter(len(text.partition(",")[0]) for text in draw("price", n=5000))
    assert set(digits) == {1, 2, 3}
    assert digits[3] / 5000 == pytest.approx(0.1, abs=0.015)
    assert digits[1] / 5000 == pytest.approx(0.9 * 9 / 99, abs=0.015)


def test_amounts_of_each_size_are_as_frequent() -> None:
    digits = Counter(len(text.partition(",")[0].replace(".", "")) for text in draw("amount", n=3000))
    assert sorted(digits) == [1, 2, 3, 4, 5, 6]
    assert min(digits.values()) > 400


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%b %d, %y %I:%M %p", "%d%%%m"])
def test_dates_are_what_strftime_would_write(form: str) -> None:
    """In the C locale, which tests run in."""
    for text in draw("date", form) + draw("time", form):
        moment = datetime.datetime.strptime(text, form)
        assert moment.strftime(form) == text
        assert "Y" not in form or 2000 <= moment.year < 2040


def test_days_and_months_without_a_zero_in_front() -> None:
    texts = draw("date", "%-d/%-m", n=2000)
    assert all(re.fullmatch(r"[1-9]\d?/[1-9]\d?", text) for text in texts)
    assert {"1", "31"} <= {text.partition("/")[0] for text in texts}


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("prise", "", "there is no slot {prise}; slots are n, price, amount,"),
        ("prise", "", "; did you mean price?"),
        ("amount", "decmal=.", "no parameter 'decmal'; parameters are decimal, thousands, digits; did you"),
        ("amount", "decimal=.;decimal=,", "the parameter 'decimal' is given twice"),
        ("n", "one", "{n:one}: low must be a number, not 'one'"),
        ("n", "1;2;3", "{n:1;2;3}: the parameter 'high' is given twice"),
        ("n", "9;3", "{n:9;3}: low must not be below 0 nor above high"),
        ("digits", "0", "{digits:0}: the number of digits must be 1 to 256"),
        ("digits", "9" * 15, "the number of digits must be 1 to 256"),
        ("digits", "9" * 5000, "count must be a number"),
        ("date", "%Q", "{date:%Q}: there is no %Q; directives are %d %-d"),
        ("date", "%d.%", "there is no %; directives are"),
        ("ean", "9", "{ean:9}: length must be 8, 12, 13 or 14"),
        ("ean", "prefix=97x", "prefix must be at most 12 digits"),
        ("luhn", "length=4;prefix=1234", "prefix must be at most 3 digits"),
        ("mod11", "length=4;prefix=123", "prefix must be at most 2 digits"),
        ("amount", "digits=13", "digits must be 1 to 12"),
        ("iban", "no", "country must be two capital letters"),
        ("iban", "digits=0", "digits must be 1 to 30"),
        ("tax", "SE", "{tax:SE}: country must be one of CN, DE, FR, IT, NO, US"),
    ],
)
def test_slots_that_cannot_be(name: str, parameters: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        build_slot(name, parameters)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)

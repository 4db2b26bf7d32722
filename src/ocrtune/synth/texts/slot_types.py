"""The kinds of typed slots: a frozen class each, whose fields are the parameters in a template.

What is drawn is made up: a number with a true check digit is somebody's by chance only.
"""

from __future__ import annotations

import datetime
import re
import string
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ocrtune.synth.texts import check_digits
from ocrtune.synth.texts.draws import below
from ocrtune.synth.texts.labels import LONGEST_TEXT

Slot = Callable[[np.random.Generator], str]
"""Draws what stands in one place of a template: at least one visible symbol."""


def draw_digits(count: int, rng: np.random.Generator) -> str:
    """`count` digits, each equally likely."""
    text = ""
    while count > 15:  # 10**15 is the largest power of ten below 2**53
        text, count = text + f"{below(10**15, rng):015d}", count - 15
    return text + (f"{below(10**count, rng):0{count}d}" if count else "")


_MASKED = {
    "#": string.digits,
    "@": string.ascii_uppercase,
    "*": string.digits + string.ascii_uppercase,
}


def fill_mask(form: str, rng: np.random.Generator) -> str:
    """`form` with its marks filled in; see `Mask`."""
    return "".join(
        symbol if (symbols := _MASKED.get(symbol)) is None else symbols[below(len(symbols), rng)]
        for symbol in form
    )


def _require_count(count: int, least: int) -> None:
    if not least <= count <= LONGEST_TEXT:
        raise ValueError(f"the number of digits must be {least} to {LONGEST_TEXT}")


def _require_digits(prefix: str, most: int) -> None:
    if not re.fullmatch("[0-9]*", prefix) or len(prefix) > most:
        raise ValueError(f"prefix must be at most {most} digits")


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, all equally likely."""

    low: int = 1
    high: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 2**53:
            raise ValueError("low must not be below 0 nor above high")

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        return str(self.low + below(self.high - self.low + 1, rng))


@dataclass(frozen=True, slots=True)
class Price:
    """A price: nine of ten are 1-99, the others 100-999, with two decimals."""

    decimal: str = ","

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        cents = 10_000 + below(90_000, rng) if rng.random() < 0.1 else 100 + below(9_900, rng)
        return f"{cents // 100}{self.decimal}{cents % 100:02d}"


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money with two decimals and separated thousands; each number of digits as often."""

    decimal: str = ","
    thousands: str = "."
    digits: int = 6
    """Most digits before the decimals."""

    def __post_init__(self) -> None:
        if not 1 <= self.digits <= 12:
            raise ValueError("digits must be 1 to 12")

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        least = 10 ** below(self.digits, rng)
        whole = f"{least + below(9 * least, rng):,}".replace(",", self.thousands)
        return f"{whole}{self.decimal}{below(100, rng):02d}"


@dataclass(frozen=True, slots=True)
class Digits:
    """Digits, each equally likely, zeros in front too."""

    count: int = 6

    def __post_init__(self) -> None:
        _require_count(self.count, 1)

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        return draw_digits(self.count, rng)


@dataclass(frozen=True, slots=True)
class Mask:
    """A form filled in: `#` a digit, `@` a capital A-Z, `*` one of both; all else stays."""

    form: str = "@@-####"

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        return fill_mask(self.form, rng)


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number: a mask whose first digit is not 0."""

    form: str = "## ## ## ##"

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        before, mark, after = self.form.partition("#")
        return fill_mask(before, rng) + (str(1 + below(9, rng)) if mark else "") + fill_mask(after, rng)


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

DIRECTIVES: dict[str, Callable[[datetime.datetime], str]] = {
    "%d": lambda moment: f"{moment.day:02d}",
    "%-d": lambda moment: str(moment.day),
    "%m": lambda moment: f"{moment.month:02d}",
    "%-m": lambda moment: str(moment.month),
    "%b": lambda moment: MONTHS[moment.month - 1],
    "%y": lambda moment: f"{moment.year % 100:02d}",
    "%Y": lambda moment: str(moment.year),
    "%H": lambda moment: f"{moment.hour:02d}",
    "%I": lambda moment: f"{(moment.hour - 1) % 12 + 1:02d}",
    "%p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "%M": lambda moment: f"{moment.minute:02d}",
    "%S": lambda moment: f"{moment.second:02d}",
    "%%": lambda moment: "%",
}
"""Our own, as those of `strftime` differ between systems and follow the user's language."""

_DIRECTIVE = re.compile("%-?.?")

_FIRST_MOMENT = datetime.datetime(2000, 1, 1)
_SECONDS = int((datetime.datetime(2040, 1, 1) - _FIRST_MOMENT).total_seconds())


def _format_moment(form: str, rng: np.random.Generator) -> str:
    moment = _FIRST_MOMENT + datetime.timedelta(seconds=below(_SECONDS, rng))
    return _DIRECTIVE.sub(lambda match: DIRECTIVES[match[0]](moment), form)


def _require_directives(form: str) -> None:
    for directive in _DIRECTIVE.findall(form):
        if directive not in DIRECTIVES:
            raise ValueError(f"there is no {directive}; directives are {' '.join(DIRECTIVES)}")


@dataclass(frozen=True, slots=True)
class Date:
    """A day of 2000-2039, all equally likely, in a form with the directives of `strftime`."""

    form: str = "%d.%m.%Y"

    def __post_init__(self) -> None:
        _require_directives(self.form)

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        return _format_moment(self.form, rng)


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day; the same as `date` but for the form it has if none is given."""

    form: str = "%H:%M"

    def __post_init__(self) -> None:
        _require_directives(self.form)

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        return _format_moment(self.form, rng)


@dataclass(frozen=True, slots=True)
class Ean:
    """A number of goods with its check digit: EAN-13, or EAN-8 with `{ean:8}`; `{ean:prefix=978}`: ISBN."""

    length: int = 13
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.length not in (8, 12, 13, 14):
            raise ValueError("length must be 8, 12, 13 or 14")
        _require_digits(self.prefix, self.length - 1)

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        body = self.prefix + draw_digits(self.length - 1 - len(self.prefix), rng)
        return body + check_digits.ean(body)


@dataclass(frozen=True, slots=True)
class Luhn:
    """A number with a Luhn check digit at its end, such as a card's."""

    length: int = 16
    prefix: str = ""

    def __post_init__(self) -> None:
        _require_count(self.length, 2)
        _require_digits(self.prefix, self.length - 1)

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        body = self.prefix + draw_digits(self.length - 1 - len(self.prefix), rng)
        return body + check_digits.luhn(body)


@dataclass(frozen=True, slots=True)
class Mod11:
    """A number with a modulo 11 check digit at its end, such as a Norwegian account's."""

    length: int = 11
    prefix: str = ""

    def __post_init__(self) -> None:
        _require_count(self.length, 3)
        _require_digits(self.prefix, self.length - 2)

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        while True:  # one body in eleven has no check digit
            body = self.prefix + draw_digits(self.length - 1 - len(self.prefix), rng)
            if (check := check_digits.mod11(body)) is not None:
                return body + check


@dataclass(frozen=True, slots=True)
class Iban:
    """An international account number with its check digits, in groups of four."""

    country: str = "NO"
    digits: int = 11
    """Of the account; all digits."""

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Z]{2}", self.country):
            raise ValueError("country must be two capital letters")
        if not 1 <= self.digits <= 30:
            raise ValueError("digits must be 1 to 30")

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        account = draw_digits(self.digits, rng)
        number = self.country + check_digits.iban(self.country, account) + account
        return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def _credit_code(rng: np.random.Generator) -> str:
    # Department and kind (here: a company), six digits of the region, nine symbols of the organisation.
    symbols = check_digits.CREDIT_CODE_SYMBOLS
    body = "91" + draw_digits(6, rng) + "".join(symbols[below(31, rng)] for _ in range(9))
    return body + check_digits.credit_code(body)


def _german_vat(rng: np.random.Generator) -> str:
    body = str(1 + below(9, rng)) + draw_digits(7, rng)
    return f"DE{body}{check_digits.mod11_10(body)}"


TAX_NUMBERS: dict[str, Slot] = {
    "CN": _credit_code,
    "DE": _german_vat,
    "FR": Luhn(9),  # SIREN
    "IT": Luhn(11),  # partita IVA
    "NO": Mod11(9, "9"),  # organisation number
    "US": Mask("##-#######"),  # EIN, which has no check digit
}


@dataclass(frozen=True, slots=True)
class Tax:
    """A company's number at the tax office of CN, DE, FR, IT, NO or US."""

    country: str = "NO"

    def __post_init__(self) -> None:
        if self.country not in TAX_NUMBERS:
            raise ValueError(f"country must be one of {', '.join(TAX_NUMBERS)}")

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one."""
        return TAX_NUMBERS[self.country](rng)

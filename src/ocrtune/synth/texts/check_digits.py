"""Check digits: what the printed numbers of goods, cards, accounts and companies end in."""

from __future__ import annotations

from collections.abc import Iterable

CREDIT_CODE_SYMBOLS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Of the Chinese unified social credit code, by value (GB 32100-2015, table 3): no I, O, S, V and Z."""


def ean(digits: str) -> str:
    """Check digit of EAN-8, EAN-13, ISBN-13 and UPC-A (GS1 General Specifications 7.9.1)."""
    return str(-_weighted(digits[::-1], (3, 1)) % 10)


def luhn(digits: str) -> str:
    """Check digit of card numbers, IMEI and SIREN (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (2 - i % 2) for i, digit in enumerate(reversed(digits)))
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def mod11(digits: str) -> str | None:
    """Check digit with weights 2, 3, …, 7, 2, … from the right; None where it would be 10.

    Of Norwegian organisation and account numbers, and of many others.
    """
    check = -_weighted(digits[::-1], (2, 3, 4, 5, 6, 7)) % 11
    return None if check == 10 else str(check)


def mod11_10(digits: str) -> str:
    """Check digit of ISO 7064 MOD 11,10: German VAT numbers."""
    product = 10
    for digit in digits:
        product = 2 * ((product + int(digit)) % 10 or 10) % 11
    return str((11 - product) % 10)


def iban(country: str, account: str) -> str:
    """Two check digits of an IBAN (ISO 13616, ISO 7064 MOD 97-10) of a `country` of two capitals."""
    return f"{98 - int(''.join(str(int(symbol, 36)) for symbol in f'{account}{country}00')) % 97:02d}"


def credit_code(symbols: str) -> str:
    """Check symbol of the 17 others of a Chinese unified social credit code (GB 32100-2015)."""
    total = sum(CREDIT_CODE_SYMBOLS.index(symbol) * 3**i for i, symbol in enumerate(symbols))
    return CREDIT_CODE_SYMBOLS[-total % 31]


def _weighted(digits: Iterable[str], weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weights[i % len(weights)] for i, digit in enumerate(digits))

"""Numbers in public use: each ends in the check digit computed here."""

from __future__ import annotations

import pytest

from ocrtune.synth.texts import check_digits


@pytest.mark.parametrize(
    ("algorithm", "number"),
    [
        ("ean", "4006381333931"),  # the example of GS1 Germany
        ("ean", "9780306406157"),  # ISBN-13, the example of ISO 2108
        ("ean", "73513537"),  # EAN-8
        ("luhn", "79927398713"),  # the example of the patent's descriptions
        ("luhn", "4111111111111111"),  # the test card of payment services
        ("luhn", "732829320"),  # SIREN, the example of INSEE
        ("mod11", "974760673"),  # organisation number of the Norwegian register itself
        ("mod11", "86011117947"),  # the account in Norway's IBAN example
        ("mod11_10", "136695976"),  # German VAT number, the example of the tax office
        ("credit_code", "91350100M000100Y43"),  # the example in GB 32100-2015
    ],
)
def test_known_numbers(algorithm: str, number: str) -> None:
    assert getattr(check_digits, algorithm)(number[:-1]) == number[-1]


@pytest.mark.parametrize("number", ["NO9386011117947", "GB82WEST12345698765432", "DE89370400440532013000"])
def test_iban_examples_of_the_registry(number: str) -> None:
    assert check_digits.iban(number[:2], number[4:]) == number[2:4]


def test_a_number_may_have_no_mod11_digit() -> None:
    assert check_digits.mod11("06") is None  # 6 × 2 is 1 modulo 11, and 10 would make it whole

"""The typed slots of templates by name, and how their parameters are written.

`{price:decimal=.}` sets a field by name, `{digits:8}` the first one, and `;` separates several. A slot with a
`form` takes all that follows the colon for it: `{time:%H:%M}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import Field, fields
from typing import Any

from rapidfuzz import process

from ocrtune.errors import InputError
from ocrtune.synth.texts.slot_types import (
    Amount,
    Date,
    Digits,
    Ean,
    Iban,
    Luhn,
    Mask,
    Mod11,
    Number,
    Phone,
    Price,
    Slot,
    Tax,
    Time,
)

SLOTS: dict[str, Any] = {
    "n": Number,
    "price": Price,
    "amount": Amount,
    "date": Date,
    "time": Time,
    "phone": Phone,
    "digits": Digits,
    "mask": Mask,
    "ean": Ean,
    "luhn": Luhn,
    "mod11": Mod11,
    "iban": Iban,
    "tax": Tax,
}
"""Every slot by its name in templates; the table in docs/texts.md has the same rows."""


def build_slot(name: str, parameters: str) -> Slot:
    """The slot that a template writes as `{name:parameters}`; `parameters` may be empty.

    Raises:
        InputError: a slot or parameter that does not exist, or a value that it cannot have.
    """
    if name not in SLOTS:
        raise InputError(f"there is no slot {{{name}}}; {listed('slots', SLOTS, name)}")
    written = f"{{{name}:{parameters}}}"
    known = {field.name: field for field in fields(SLOTS[name])}
    values: dict[str, Any] = {}
    for key, value in _assign(parameters, list(known)):
        if key not in known:
            raise InputError(f"{written}: there is no parameter {key!r}; {listed('parameters', known, key)}")
        if key in values:
            raise InputError(f"{written}: the parameter {key!r} is given twice")
        values[key] = _parse_value(value, known[key], written)
    try:
        slot: Slot = SLOTS[name](**values)
    except ValueError as error:
        raise InputError(f"{written}: {error}") from error
    return slot


def listed(what: str, known: Iterable[str], wanted: str) -> str:
    """`slots are n, price; did you mean price?`: an error's end, with the name nearest to `wanted`."""
    names = list(known)
    near = process.extractOne(wanted, names, score_cutoff=60)
    return f"{what} are {', '.join(names)}" + (f"; did you mean {near[0]}?" if near else "")


def _assign(parameters: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each parameter that is written."""
    if not parameters:
        return
    if names == ["form"]:
        yield "form", parameters.removeprefix("form=")
        return
    for i, part in enumerate(parameters.split(";")):
        name, equals, value = part.partition("=")
        yield (name, value) if equals else (names[min(i, len(names) - 1)], part)


def _parse_value(value: str, field: Field[Any], written: str) -> int | str:
    if field.type == "str":
        return value
    if not re.fullmatch("[0-9]{1,15}", value):
        raise InputError(f"{written}: {field.name} must be a number, not {value!r}")
    return int(value)

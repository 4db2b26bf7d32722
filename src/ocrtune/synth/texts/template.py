"""Texts from a form with slots, such as `{item}    {price}`."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import derive_seed, permuted
from ocrtune.synth.texts.labels import Fault, clean, find_fault
from ocrtune.synth.texts.slot_types import Slot
from ocrtune.synth.texts.slots import SLOTS, build_slot, listed


@dataclass(frozen=True, slots=True)
class ListSlot:
    """Gives every string of a list equally often: `times` in each pass."""

    strings: tuple[str, ...]
    times: int
    seed: int

    def at(self, index: int) -> str:
        """The string for line `index`."""
        return self.strings[permuted(index, len(self.strings) * self.times, self.seed) // self.times]


@dataclass(frozen=True, slots=True)
class Template:
    """Fills a form: typed slots drawn anew for each line, lists visited evenly."""

    parts: tuple[str | ListSlot | Slot, ...]

    @classmethod
    def parse(cls, form: str, lists: Mapping[str, Sequence[str]], seed: int, per_item: int = 1) -> Template:
        """Read a form in the syntax of `str.format`: `{name}` or `{name:parameters}`, `{{` is a brace.

        Args:
            form: what a line says.
            lists: word lists by the name of their slot, cleaned as `StringList` has them. Two slots of
                one name are filled independently.
            seed: of the order of the lists.
            per_item: how often each string of the form's first list is used in a pass; other lists have
                passes of their own.

        Raises:
            InputError: the form is malformed, blank or holds control characters; a slot does not exist
                or has a wrong parameter; a list is empty, unused, or named as a typed slot is.
        """
        for name, strings in lists.items():
            if name in SLOTS:
                raise InputError(f"the list {name!r} has the name of a typed slot; choose another")
            if not strings:
                raise InputError(f"the list {name!r} is empty")
        if per_item < 1:
            raise InputError(f"each item must be used at least once, not {per_item} times")
        parts: list[str | ListSlot | Slot] = []
        used: list[str] = []
        for literal, slot, parameters in _read_form(form):
            if literal:
                parts.append(literal)
            if slot is None:
                continue
            if slot in lists:
                if parameters:
                    raise InputError(f"{form!r}: the list {{{slot}}} has no parameters; write {{{slot}}}")
                times = 1 if used else per_item
                parts.append(ListSlot(tuple(lists[slot]), times, derive_seed(seed, slot, len(used))))
                used.append(slot)
            elif slot in SLOTS:
                parts.append(build_slot(slot, parameters))
            else:
                raise InputError(f"there is no slot {{{slot}}}; {listed('slots', [*lists, *SLOTS], slot)}")
        if unused := [name for name in lists if name not in used]:
            raise InputError(f"{form!r} has no slot for the list {unused[0]!r}; write {{{unused[0]}}} in it")
        template = cls(tuple(parts))
        # Either every text of a template has a visible symbol or none, so one text tells.
        if fault := find_fault(clean(form)) or find_fault(template.text(0, np.random.default_rng(0))):
            problem = "gives empty texts" if fault is Fault.EMPTY else f"is no text: {fault}"
            raise InputError(f"the template {form[:60]!r} {problem}; write text or slots such as {{price}}")
        return template

    @property
    def pass_length(self) -> int | None:
        """Lines in which each string of the first list is used `per_item` times; None without a list."""
        return next((len(p.strings) * p.times for p in self.parts if isinstance(p, ListSlot)), None)

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        return clean(
            "".join(
                part if isinstance(part, str) else part.at(index) if isinstance(part, ListSlot) else part(rng)
                for part in self.parts
            )
        )


def _read_form(form: str) -> list[tuple[str, str | None, str]]:
    """Literal text, and the name and parameters of the slot after it; the last may have no slot."""
    try:
        parsed = list(string.Formatter().parse(form))
    except ValueError as error:
        raise InputError(f"{form[:60]!r} is no template: {error}; a brace itself is written twice") from error
    fields = []
    for literal, name, parameters, conversion in parsed:
        if name == "":
            raise InputError(f"{form[:60]!r} has a slot without a name; write one such as {{price}}")
        if conversion:
            raise InputError(f"{form[:60]!r}: {{{name}!{conversion}}} is no slot; leave !{conversion} out")
        fields.append((literal, name, parameters or ""))
    return fields

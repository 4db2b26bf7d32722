"""What a finding is: a declaration of one thing that can be wrong with labelled lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Facts = TypeVar("Facts")
Found = TypeVar("Found")

FIX = "ocrtune data fix {path} -o {fixed}"
"""The command that mends what a rule can decide."""

BY_HAND = "by hand: --json audit.json lists every line"


class Severity(StrEnum):
    """How bad a finding is for the line that has it."""

    UNUSABLE = "unusable"
    """To train or measure on such a line is impossible, or teaches and measures what is wrong."""
    SUSPICIOUS = "suspicious"
    """It may be right: look at it."""


@dataclass(frozen=True, slots=True)
class Finding(Generic[Facts, Found]):
    """One thing that can be wrong, and how it is seen."""

    name: str
    severity: Severity
    meaning: str
    """For the user: what such a line is, and what it does."""
    mend: str
    """The command or the act that mends it; `{path}` is the dataset, `{fixed}` a new one."""
    check: Callable[[Facts], Found]
    """Looks at the facts. For one line it gives what exactly is wrong, or None; for a set all that is."""
    unit: str = "line"
    """What is counted."""

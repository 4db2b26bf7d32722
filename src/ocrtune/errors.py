"""The errors a user can meet: one line each, saying what, where and what to do next.

The command line prints them without a traceback and exits with their `exit_code`.
"""

from __future__ import annotations


class OcrtuneError(Exception):
    """Base of every expected failure; anything else that escapes is a defect of ocrtune."""

    exit_code = 2


class InputError(OcrtuneError):
    """Wrong usage, or an input that is missing, unreadable or not what it claims to be."""


class BarError(OcrtuneError):
    """The data or the model fails a stated bar (`--max-bad`, `--max-cer`, export parity)."""

    exit_code = 1

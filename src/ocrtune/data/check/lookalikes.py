"""Letters of another script that look like those around them: two symbols to learn for one shape."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_TWINS = {
    # Letters that common fonts draw alike (from Unicode's confusables.txt, only those beyond doubt).
    "CYRILLIC": ("АВЕЅІЈКМНОРСТХУаеѕіјорсхуһԁԛԝ", "ABESIJKMHOPCTXYaesijopcxyhdqw"),
    "GREEK": ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo"),
}

_SCRIPTS = frozenset(("LATIN", *_TWINS))

_TO_LATIN = {c: latin for pairs in _TWINS.values() for c, latin in zip(*pairs, strict=True)}
_FROM_LATIN = {
    script: dict(zip(latins, letters, strict=True)) for script, (letters, latins) in _TWINS.items()
}
_WITH_TWIN = frozenset(_TO_LATIN) | frozenset(_TO_LATIN.values())

_WORD = re.compile(r"[^\W\d_]+")


def odd_letters(text: str) -> list[str]:
    """The symbols of `text` that look like others meant in their place.

    That is letters within a word of another script, and signs that Unicode holds twice, such as the unit
    U+212B for the letter Å. In a word whose every letter two scripts share, those that are not Latin.
    """
    odd = [c for c in text if is_double(c)]
    for word in _WORD.findall(text):
        if not word.isascii() and (host := _host(word)) is not None:
            meant = host or "LATIN"
            odd += [c for c in word if _script(c) in _SCRIPTS - {meant}]
    return odd


def mend_letters(text: str) -> str:
    """`text` with odd letters replaced where it is certain which script its word is of."""
    if text.isascii():
        return text
    text = "".join(unicodedata.normalize("NFC", c) if is_double(c) else c for c in text)
    return _WORD.sub(lambda match: _mend_word(match[0]), text)


def is_double(symbol: str) -> bool:
    """Whether Unicode holds `symbol` only as another name of one other, as U+212B of Å."""
    normal = unicodedata.normalize("NFC", symbol)
    return len(normal) == 1 and normal != symbol


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _host(word: str) -> str | None:
    """The script of a word that holds letters of others; "" if it may be either, None if nothing is odd.

    Letters that have no twin tell it: the L of TOTAL is Latin, whatever its Os are. Where such letters
    are of two scripts, as in a unit or a formula, both are meant.
    """
    if len({_script(c) for c in word} & _SCRIPTS) < 2:
        return None
    telling = {_script(c) for c in word if c not in _WITH_TWIN} & _SCRIPTS
    if len(telling) > 1:
        return None
    return next(iter(telling), "")


def _mend_word(word: str) -> str:
    if word.isascii() or not (host := _host(word)):
        return word
    mended = "".join(_as_in(host, c) if _script(c) in _SCRIPTS - {host} else c for c in word)
    return mended if {_script(c) for c in mended} & _SCRIPTS == {host} else word


def _as_in(host: str, letter: str) -> str:
    latin = _TO_LATIN.get(letter, letter)
    return latin if host == "LATIN" else _FROM_LATIN[host].get(latin, letter)

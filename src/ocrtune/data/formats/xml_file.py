"""XML of strangers: no document type, so no entity that grows or reads files; bounded size and depth.

The standard parser expands entities; every one needs a document type, which PAGE and ALTO never have.
"""

from __future__ import annotations

import xml.parsers.expat
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder

from ocrtune.errors import InputError

SIZE_LIMIT = 256 * 2**20
"""Bytes; a page with every glyph has some 10 MiB."""

DEPTH_LIMIT = 100
"""Elements inside of each other; PAGE has some 10, more with nested regions."""

_LINE = " line"
"""Attribute for the line of the file; no attribute of a file can be called so."""


def parse_xml(path: Path) -> Element:
    """The root element; names without their namespace.

    Raises:
        InputError: it cannot be read, is no XML, or has a document type.
    """
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise InputError(f"{path} is over {SIZE_LIMIT >> 20} MiB; split it")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    builder = TreeBuilder()
    parser = xml.parsers.expat.ParserCreate()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_LIMIT:
            raise InputError(f"{path}:{parser.CurrentLineNumber}: over {DEPTH_LIMIT} elements in each other")
        plain = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        builder.start(name.rpartition(":")[2], plain | {_LINE: str(parser.CurrentLineNumber)})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.rpartition(":")[2])

    def refuse_document_type(*_: object) -> None:
        raise InputError(f"{path}:{parser.CurrentLineNumber}: has a document type; remove that")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse_document_type
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except (xml.parsers.expat.ExpatError, ValueError, LookupError) as error:  # an encoding it does not know
        raise InputError(f"{path}:{parser.CurrentLineNumber}: no readable XML: {error}") from error
    return builder.close()


def source_of(path: Path, element: Element) -> str:
    """File and line of an element, for messages."""
    return f"{path}:{element.get(_LINE)}"


def children(element: Element, name: str) -> Iterator[Element]:
    """The direct children of this name."""
    return (child for child in element if child.tag == name)

"""The command that makes lines: its options become a recipe."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ocrtune.cli import Overwrite, note, progress_bar
from ocrtune.errors import InputError

if TYPE_CHECKING:
    from ocrtune.data.making import Made
    from ocrtune.records import Image
    from ocrtune.synth.recipe import Synthesis, SynthRecipe

Repeated = Annotated[tuple[str, ...], Parameter(consume_multiple=False)]
"""Given once per value: a template or expression may look like an option."""


def synth(
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    lines: Annotated[int | None, Parameter(alias="-n")] = None,
    text: tuple[str, ...] = (),
    csv: tuple[str, ...] = (),
    template: Repeated = (),
    lists: Annotated[tuple[str, ...], Parameter(name="--list")] = (),
    per_item: int | None = None,
    regex: Repeated = (),
    symbols: Repeated = (),
    corpus: tuple[str, ...] = (),
    dictionary: tuple[str, ...] = (),
    lengths: tuple[int, int] | None = None,
    emphasise: str | None = None,
    minimum: int | None = None,
    balanced: str | None = None,
    unlabelled: str | None = None,
    profile: str | None = None,
    match: Path | None = None,
    font: tuple[str, ...] = (),
    vertical: bool = False,
    language: str | None = None,
    seed: int | None = None,
    recipe: Path | None = None,
    preview: int | None = None,
    lmdb: bool = False,
    masks: bool = False,
    boxes: bool = False,
    append: bool = False,
    overwrite: Overwrite = False,
    workers: int | None = None,
) -> None:
    """Make labelled line images from text.

    Several sources of text are mixed evenly; FILE@2 has twice the share.

    Args:
        output: Folder for the lines: images and labels.txt, or an LMDB.
        lines: How many; by default one for each string of a single source.
        text: Files with one string per line.
        csv: Columns of tables, FILE:COLUMN,COLUMN; CSV, TSV or Parquet.
        template: A form with slots, such as "{item}    {price}".
        lists: Strings for a slot of the templates: NAME=FILE, or NAME=FILE:COLUMN,COLUMN.
        per_item: Lines for each string of a template's first list.
        regex: A regular expression that texts match.
        symbols: Random texts of these symbols.
        corpus: Files of running text, cut into lines.
        dictionary: Word lists of the system, such as nb_NO.
        lengths: Shortest and longest text, in symbols: each length comes about as often as the next.
        emphasise: What `ocrtune eval --json` wrote: more of the symbols that it says are misread.
        minimum: Appearances of each symbol of --balanced, at least.
        balanced: File with the symbols that --minimum is about, one per line.
        unlabelled: Symbols that are drawn and left out of labels, such as the dot on a licence plate.
        profile: How lines look: a name, or a YAML file. [default: clean]
        match: Folder of your own line images, labelled or not: lines are made to look like them.
        font: Font files, or folders of fonts. [default: the system's and matplotlib's]
        vertical: Stack the characters from top to bottom.
        language: BCP 47 tag for regional forms, such as ja or zh-Hans in a CJK font.
        seed: Of everything that is drawn. [default: 0]
        recipe: YAML file with all of this, instead of options for texts.
        preview: Draw only this many lines, as one picture, beside lines of --match: -o is the PNG file.
        lmdb: Write an LMDB instead of image files.
        masks: Write where the ink of each line lies, as masks/….png: white on black.
        boxes: Write the boxes of the characters of each line, as boxes/….json.
        append: Add to lines that are there already.
        workers: Processes that draw; by default one per core.
    """
    if importlib.util.find_spec("uharfbuzz") is None:
        raise InputError("making lines needs uharfbuzz: pip install 'ocrtune[synth]'")
    from ocrtune.data.dataset import split_weight
    from ocrtune.synth.recipe import SynthRecipe

    strings = [{"strings": name, "weight": weight} for name, weight in map(split_weight, (*text, *csv))]
    texts = {
        "sources": [
            *strings,
            *_templates(template, lists, per_item),
            *({"regex": expression} for expression in regex),
            *({"symbols": given} for given in symbols),
            *({"corpus": name, "weight": weight} for name, weight in map(split_weight, corpus)),
            *({"dictionary": name, "weight": weight} for name, weight in map(split_weight, dictionary)),
        ],
        "lengths": lengths,
        "emphasis": emphasise,
        "minimum": minimum,
        "balanced": balanced,
    }
    given: dict[str, Any] = {
        "texts": _given(texts),
        "lines": lines,
        "profile": profile,
        "fonts": font,
        "seed": seed,
        "vertical": vertical,
        "language": language,
        "unlabelled": unlabelled,
    }
    given = _given(given)
    if recipe is not None:
        if "texts" in given:
            raise InputError("--recipe says what lines say; leave the options for texts out")
        given = SynthRecipe.from_yaml(recipe).model_dump(exclude_unset=True) | given
    elif "texts" not in given or not given["texts"].get("sources"):
        raise InputError(
            "what shall the lines say? Give --text, --csv, --template, --regex or another source"
        )
    if preview is not None:
        given.setdefault("lines", preview)
    made = _parse(given)
    synthesis = made.build(Path() if recipe is None else recipe.parent)
    for message in synthesis.notes:
        note(message)
    if preview is not None:
        _require_png(output, overwrite=overwrite)
    if match is not None:
        made, synthesis = _matched(
            match, made, synthesis, output, is_preview=preview is not None, append=append, overwrite=overwrite
        )
    if preview is not None:
        if masks or boxes:
            raise InputError("--preview draws one picture; leave --masks and --boxes out")
        _write_preview(synthesis, preview, output, match, overwrite=overwrite)
        return
    from ocrtune.data.making import make
    from ocrtune.synth.drawing import Extras

    with progress_bar("Making lines") as progress:
        done = make(
            made,
            synthesis,
            output,
            as_lmdb=lmdb,
            extras=Extras(masks, boxes),
            append=append,
            overwrite=overwrite,
            workers=workers,
            progress=progress,
        )
    _report(done)


def _report(made: Made) -> None:
    """What was made, and what was not."""
    if made.resumed:
        note(f"went on after {made.resumed:,} lines of the run that was interrupted")
    print(f"{made.lines:,} lines in {made.path}")
    if made.redrawn:
        reasons = ", ".join(f"{count:,} {fault}" for fault, count in made.redrawn.most_common())
        print(f"Drawn again, milder, since they did not show their text: {reasons}")
    if made.left_out:
        print(f"Left out: {len(made.left_out):,}; the first: {made.left_out[0]}")


def _matched(
    folder: Path,
    recipe: SynthRecipe,
    synthesis: Synthesis,
    output: Path,
    *,
    is_preview: bool,
    append: bool,
    overwrite: bool,
) -> tuple[SynthRecipe, Synthesis]:
    """The recipe with a profile fitted to the images in `folder`, kept beside what is made."""
    from ocrtune.data.making import MATCH, require_usable
    from ocrtune.data.matching import PROFILE, match_folder, with_profile

    if recipe.vertical:
        raise InputError("--match measures lines from left to right; leave it or --vertical out")
    if is_preview:
        fitted = output.with_name(f"{output.stem}-{MATCH}")
    else:
        require_usable(output, append=append, overwrite=overwrite)
        fitted = output / MATCH
    path = (fitted / PROFILE).resolve()
    if path.exists() and not overwrite:
        note(f"{path} was fitted before and is used; --overwrite fits it anew")
    else:
        with progress_bar("Matching") as progress:
            matched = match_folder(folder, synthesis.generator.profile, synthesis, fitted, progress)
        for message in matched.notes:
            note(message)
        print(matched.report)
        print(f"Profile: {path}")
    return recipe.model_copy(update={"profile": str(path)}), with_profile(synthesis, path)


def _require_png(path: Path, *, overwrite: bool) -> None:
    from ocrtune.output import refuse_existing

    if path.suffix.lower() != ".png":
        raise InputError(f"--preview writes a picture, and {path} is no .png; write -o preview.png")
    refuse_existing(path, overwrite=overwrite)


def _write_preview(
    synthesis: Synthesis, count: int, path: Path, match: Path | None, *, overwrite: bool
) -> None:
    """A sheet of made lines; with `match` each on the right of a real one."""
    from ocrtune.output import write_bytes
    from ocrtune.synth.png import encode_png
    from ocrtune.synth.preview import SheetLine, contact_sheet

    made = list(map(synthesis.generator.line, range(min(count, synthesis.lines))))
    lines = [SheetLine(line.image, line.text, line.fonts) for line in made]
    if match is not None:
        real = _real_images(match, len(made))
        lines = [
            line
            for image, ours in zip(real, lines, strict=False)
            for line in (SheetLine(image, "", ours.fonts), ours)
        ]
    write_bytes(path, encode_png(contact_sheet(lines)), overwrite=overwrite)
    print(f"{len(made)} lines on {path}" + (", real ones on their left" if match is not None else ""))


def _real_images(folder: Path, count: int) -> list[Image]:
    from ocrtune.data.unlabelled import UnlabelledImage, chosen_evenly, list_images, read_images

    read = read_images(chosen_evenly(list_images(folder), count))
    return [found.image for found in read if isinstance(found, UnlabelledImage)]


def _parse(given: dict[str, Any]) -> SynthRecipe:
    from pydantic import ValidationError

    from ocrtune.synth.recipe import SynthRecipe, first_problem

    try:
        return SynthRecipe.model_validate(given)
    except ValidationError as error:
        raise InputError(first_problem(error)) from error


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Those that the command line has; a 0 is one of them."""
    return {
        name: value
        for name, value in options.items()
        if value is not None and value is not False and value not in ((), [], {})
    }


def _templates(
    forms: tuple[str, ...], lists: tuple[str, ...], per_item: int | None
) -> Iterator[dict[str, Any]]:
    """A source for each form, with the lists that it has slots for."""
    named = {}
    for given in lists:
        name, equals, where = given.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"--list {given} has no name; write --list item=FILE or item=FILE:COLUMN")
        named[name] = where
    used: set[str] = set()
    for form in forms:
        own = {name: where for name, where in named.items() if f"{{{name}}}" in form}
        used |= own.keys()
        yield {"template": form, "lists": own} | ({} if per_item is None else {"per_item": per_item})
    if unused := [name for name in named if name not in used]:
        raise InputError(f"no --template has a slot for --list {unused[0]}; write {{{unused[0]}}} in one")

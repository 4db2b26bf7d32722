"""Lines of a recipe as a dataset without files: each is drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ocrtune.data.images import ImageError
from ocrtune.data.lines import LabelledLines, LineEntry
from ocrtune.data.rejects import RejectReason
from ocrtune.synth.generator import LineError, LineGenerator
from ocrtune.synth.png import encode_png
from ocrtune.synth.recipe import SynthRecipe


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """The image of one line of a generator."""

    generator: LineGenerator
    recipe: str
    """Path of the recipe."""
    index: int
    look: int = 0

    @property
    def where(self) -> str:
        """The recipe and the line."""
        return f"{self.recipe} line {self.index}"

    @property
    def location(self) -> str:
        """The same line of the same recipe, however its path is written."""
        return f"{Path(self.recipe).resolve()} line {self.index}"

    def redrawn(self, look: int) -> DrawnImage:
        """The same text in another font, size and wear."""
        return replace(self, look=look)

    def read(self) -> bytes:
        """The line as PNG.

        Raises:
            ImageError: it cannot be drawn.
        """
        try:
            return encode_png(self.generator.line(self.index, self.look).image)
        except LineError as error:
            if self.look:
                return self.redrawn(0).read()  # another font or wear may be illegible where the first was not
            raise ImageError(RejectReason.BROKEN_IMAGE, self.where, str(error)) from error


def open_recipe(path: Path) -> LabelledLines:
    """The lines of the recipe `path`; paths in it start from its folder.

    Raises:
        InputError: as `SynthRecipe.from_yaml` and `SynthRecipe.build`.
    """
    synthesis = SynthRecipe.from_yaml(path).build(path.parent)
    return drawn_lines(synthesis.generator, str(path), synthesis.lines, synthesis.notes)


def drawn_lines(generator: LineGenerator, name: str, count: int, notes: Sequence[str]) -> LabelledLines:
    """The first `count` lines of a generator.

    Args:
        generator: of the lines.
        name: of what they are made by, for messages.
        count: how many.
        notes: to be shown behind their number.
    """
    indices = range(count)
    return LabelledLines(
        tuple(LineEntry(f"{i:06d}", generator.text(i), f"{name} line {i}") for i in indices),
        tuple(DrawnImage(generator, name, i) for i in indices),
        (),
        "; ".join((f"{name}: {count} lines are drawn as they are needed", *notes)),
    )

"""How a run shows itself: a live bar on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ocrtune.data.dataset import LineDataset
from ocrtune.evaluate.metrics import comparable
from ocrtune.train.validation import Validation

ROWS_SHOWN = 5


class Display:
    """Writes to stdout; use as a context manager so that the live bar ends with the run.

    Args:
        shown: False writes nothing, as all but one of several processes do.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self.console = Console(highlight=False, soft_wrap=True, quiet=not shown)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not (shown and self.console.is_terminal),
        )
        self._task = self._progress.add_task("", total=None, speed="", visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """A plain line."""
        self.console.print(Text(text))

    def tell(self, text: str) -> None:
        """A plain line, also from a process that shows nothing else: about lines that only it has seen."""
        if self.console.quiet:
            Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text))
        else:
            self.note(text)

    def warn(self, text: str) -> None:
        """A warning with its remedy."""
        self.console.print(Text(f"Warning: {text}", style="yellow"))

    def advance(self, description: str, done: int, total: int, speed: float) -> None:
        """Move the bar: lines done of this epoch, lines per second."""
        self._progress.update(
            self._task,
            description=description,
            completed=min(done, total),
            total=total,
            speed=f"{speed:.0f} lines/s",
            visible=True,
        )

    def epoch(
        self, done: int, epochs: int, loss: float, train_cer: float, validation: Validation, speed: float
    ) -> None:
        """One line of figures, in the form that training logs of this field have."""
        metrics = validation.metrics
        self.note(
            f"Epoch {done}/{epochs} | Loss: {loss:.3f} | CER: {train_cer:.3f} | "
            f"Val Loss: {validation.loss:.3f} | Val CER: {metrics.cer:.3f} | "
            f"Val exact: {metrics.exact_match:.3f} | {speed:.1f} lines/s"
        )

    def rows(self, lines: LineDataset, validation: Validation) -> None:
        """Five lines of truth, reading and confidence: misread ones first, least sure first."""
        order = sorted(
            range(len(lines)),
            key=lambda i: (
                _is_read(lines.entries[i].text, validation.predictions[i].text, validation.ignore_case),
                validation.predictions[i].confidence,
            ),
        )
        rows = [
            (lines.entries[i].text, validation.predictions[i].text, validation.predictions[i].confidence)
            for i in order[:ROWS_SHOWN]
        ]
        self._table(rows, validation.ignore_case)

    def _table(self, rows: Sequence[tuple[str, str, float]], ignore_case: bool) -> None:
        if not self.console.is_terminal:
            for truth, reading, confidence in rows:
                mark = "=" if _is_read(truth, reading, ignore_case) else "x"
                self.note(f"    {mark} {truth} -> {reading} ({confidence:.2f})")
            return
        table = Table("truth", "reading", "confidence", box=None, padding=(0, 2))
        for truth, reading, confidence in rows:
            style = "green" if _is_read(truth, reading, ignore_case) else "red"
            table.add_row(Text(truth), Text(reading, style=style), f"{confidence:.2f}")
        self.console.print(table)


def _is_read(truth: str, reading: str, ignore_case: bool) -> bool:
    return comparable(truth, ignore_case=ignore_case) == comparable(reading, ignore_case=ignore_case)

"""The learning curves of a run as one picture."""

from __future__ import annotations

import io
import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ocrtune.output import write_bytes


def draw_curves(metrics_file: Path, picture: Path) -> None:
    """Draw loss and error rate over epochs from `metrics.jsonl` into a PNG.

    Raises:
        InputError: the disk refuses; the picture before is then still there.
    """
    rows = [json.loads(line) for line in metrics_file.read_text(encoding="utf-8").splitlines()]
    epochs = [row["epoch"] for row in rows]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    loss, error = figure.subplots(1, 2)
    trained = [row for row in rows if row["loss"] is not None]
    loss.plot([row["epoch"] for row in trained], [row["loss"] for row in trained], label="training")
    loss.plot(epochs, [row["val_loss"] for row in rows], label="validation")
    loss.set(xlabel="epoch", ylabel="loss per symbol", yscale="log")
    loss.legend()
    error.plot(epochs, [100 * row["val_cer"] for row in rows], label="character error rate")
    error.plot(epochs, [100 * (1 - row["val_exact_match"]) for row in rows], label="lines not exact")
    error.set(xlabel="epoch", ylabel="% of validation, lower is better", ylim=(0, None))
    error.legend()
    for axes in (loss, error):
        axes.grid(alpha=0.3)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    write_bytes(picture, content.getvalue(), overwrite=True)

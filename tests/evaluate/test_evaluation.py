"""A dataset read and measured: what counts, what is left out, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocrtune.data.dataset import open_dataset
from ocrtune.data.rejects import RejectReason
from ocrtune.errors import BarError, InputError
from ocrtune.evaluate.evaluation import Evaluation, evaluate, evaluate_paths
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer


@pytest.fixture
def blocks(block_onnx: Path) -> OnnxRecognizer:
    return OnnxRecognizer(find_model(block_onnx).manifest, block_onnx)


def without_time(evaluation: Evaluation) -> dict[str, object]:
    content = evaluation.to_json()
    assert content.pop("ms_per_line") > 0
    return content


def test_every_figure_of_a_small_set(blocks: OnnxRecognizer, block_lines: Path) -> None:
    """abc, "a b" and c are read; bac is drawn bab: one edit of ten symbols, one word of five."""
    evaluation = evaluate(blocks, open_dataset(str(block_lines)))
    assert without_time(evaluation) == {
        "data": str(block_lines),
        "lines": 4,
        "rejected": 0,
        "ignore_case": False,
        "exact_match": 0.75,
        "exact_match_no_space": 0.75,
        "cer": 0.1,
        "wer": 0.2,
        "symbols": {
            "a": {"recall": 1.0, "count": 3},
            "b": {"recall": 1.0, "count": 3},
            "c": {"recall": pytest.approx(2 / 3), "count": 3},
        },
        "misread": [{"id": "2.png", "truth": "bac", "reading": "bab", "confidence": pytest.approx(1)}],
        "rejects": [],
    }


def test_a_symbol_the_model_cannot_read_counts_as_an_error(blocks: OnnxRecognizer, block_lines: Path) -> None:
    """The truth stays as it was transcribed, on pain of a score that looks better than the model."""
    (block_lines / "labels.txt").write_text("0.png\tabc\n1.png\ta€b\n", encoding="utf-8")
    evaluation = evaluate(blocks, open_dataset(str(block_lines)))
    assert evaluation.readings[1].truth == "a€b"
    assert evaluation.metrics.exact_match == 0.5
    assert evaluation.metrics.cer == pytest.approx(1 / 6)
    assert evaluation.metrics.symbols["€"].recall == 0


def test_lines_without_a_readable_image_are_counted_and_named(
    blocks: OnnxRecognizer, block_lines: Path
) -> None:
    (block_lines / "0.png").write_bytes(b"not an image")
    (block_lines / "1.png").unlink()
    with (block_lines / "labels.txt").open("a", encoding="utf-8") as file:
        file.write("3.png\t\n")
    evaluation = evaluate(blocks, open_dataset(str(block_lines)))
    assert [(reject.id, reject.reason) for reject in evaluation.rejects] == [
        ("3.png", RejectReason.NO_TEXT),
        ("0.png", RejectReason.BROKEN_IMAGE),
        ("1.png", RejectReason.MISSING_IMAGE),
    ]
    assert evaluation.metrics.lines == 2
    assert len(evaluation.seconds) == 2
    assert "Not measured: 1 no text, 1 broken image, 1 missing image; the first: " in evaluation.summary(5)


def test_nothing_to_measure_is_an_error(blocks: OnnxRecognizer, block_lines: Path) -> None:
    for image in block_lines.glob("*.png"):
        image.write_bytes(b"")
    with pytest.raises(InputError, match=r"has no line that can be read: 4 empty image; the first: "):
        evaluate(blocks, open_dataset(str(block_lines)))


def test_progress_ends_at_the_last_line(blocks: OnnxRecognizer, block_lines: Path) -> None:
    calls: list[tuple[int, int]] = []
    evaluate(blocks, open_dataset(str(block_lines)), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(4, 4)]


def test_several_sets_are_told_apart_and_pooled(
    blocks: OnnxRecognizer, block_lines: Path, tmp_path: Path
) -> None:
    label_file = block_lines / "one.txt"
    label_file.write_text("3.png\tc\n", encoding="utf-8")
    notes: list[str] = []
    report = evaluate_paths(blocks, [str(block_lines), str(label_file)], report=notes.append)
    content = report.to_json()
    assert content["lines"] == 5
    assert content["exact_match"] == 0.8
    assert [(part["data"], part["exact_match"]) for part in content["sets"]] == [
        (str(block_lines), 0.75),
        (str(label_file), 1.0),
    ]
    assert report.summary(3).count("Accuracy (exact match):") == 3
    assert len(notes) == 2


def test_a_weight_is_not_silently_ignored(blocks: OnnxRecognizer, block_lines: Path) -> None:
    with pytest.raises(InputError, match="a weight means nothing when measuring; leave @2 out"):
        evaluate_paths(blocks, [f"{block_lines}@2"], report=lambda _: None)


@pytest.mark.parametrize("limit", [0.0999, float("nan")])
def test_a_cer_above_the_bar_fails(blocks: OnnxRecognizer, block_lines: Path, limit: float) -> None:
    report = evaluate_paths(blocks, [str(block_lines)], report=lambda _: None)
    report.enforce_max_cer(0.1)
    with pytest.raises(BarError, match=r"the average CER is 0\.1000, above --max-cer "):
        report.enforce_max_cer(limit)

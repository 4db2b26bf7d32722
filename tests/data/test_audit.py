"""The audit: each line that cannot be used is counted under its reason, named, and never edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ocrtune.charset import Charset
from ocrtune.data.audit import (
    Audit,
    audit_lines,
    enforce_max_bad,
    require_eval_lines,
    require_train_lines,
)
from ocrtune.data.dataset import open_dataset
from ocrtune.data.rejects import Reject, RejectReason, summarise_rejects, write_skipped
from ocrtune.errors import BarError, InputError
from ocrtune.preprocess import PreprocessSpec

MakeFolder = Callable[[str, Sequence[str]], Path]

SPEC = PreprocessSpec(height=16, width_buckets=(40, 80), channels="gray")
"""The folders' images, 16 px high and 40 px wide, fill the first bucket."""


def eight_px_per_step(width: int) -> int:
    return width // 8


def audit_of(folder: Path, symbols: str = "abc ") -> Audit:
    return audit_lines(open_dataset(str(folder)), Charset(symbols), SPEC, eight_px_per_step)


def test_every_reason_is_counted_and_named(make_folder: MakeFolder) -> None:
    folder = make_folder(
        "set", ["abc", "", "ab", "a", "a₹b₹", "₹é", "abcab", "abcabc", "aab", "aabb", "e\u0301"]
    )
    (folder / "images/2.png").unlink()
    (folder / "images/3.png").write_bytes(b"torn")
    audit = audit_of(folder)
    # 40 px are five steps: five different neighbours fit; six do not; each repeat costs one more.
    assert audit.kept == (0, 5, 7)
    assert audit.sizes == ((16, 40),) * 3
    assert audit.total == 11
    assert audit.counts() == {
        RejectReason.NO_TEXT: 1,
        RejectReason.MISSING_IMAGE: 1,
        RejectReason.BROKEN_IMAGE: 1,
        RejectReason.UNKNOWN_SYMBOL: 3,
        RejectReason.TOO_LONG: 2,
    }
    # A symbol counts once per line, in the charset's normal form: both é are one.
    assert audit.unknown_symbols == {"₹": 2, "é": 2}
    assert [(r.source.rsplit(":")[-1], r.detail) for r in audit.rejects[3:]] == [
        ("5", "'₹' in 'a₹b₹'"),
        ("6", "'₹', 'é' in '₹é'"),
        ("8", "'abcabc' needs 6 steps, an image of 40 x 16 px gives 5"),
        ("10", "'aabb' needs 6 steps, an image of 40 x 16 px gives 5"),
        ("11", "'é' in 'e\u0301'"),
    ]
    source = f"{folder}/labels.txt"
    assert audit.summary() == (
        f"{folder}: 3 of 11 lines can be used\n"
        "  no text: 1 line\n"
        f"    {source}:2: as `path<TAB>text` the text is empty\n"
        "  missing image: 1 line\n"
        f"    {source}:3: {folder}/images/2.png: no such file\n"
        "  broken image: 1 line\n"
        f"    {source}:4: {folder}/images/3.png: none of JPEG, PNG, BMP, WEBP, TIFF, GIF, PPM\n"
        "  unknown symbol: 3 lines\n"
        "    '₹' 2 lines, 'é' 2 lines\n"
        f"    {source}:5: '₹' in 'a₹b₹'\n"
        f"    {source}:6: '₹', 'é' in '₹é'\n"
        f"    {source}:11: 'é' in 'e\u0301'\n"
        "  too long for the width: 2 lines\n"
        f"    {source}:8: 'abcabc' needs 6 steps, an image of 40 x 16 px gives 5\n"
        f"    {source}:10: 'aabb' needs 6 steps, an image of 40 x 16 px gives 5"
    )


def test_examples_and_symbols_are_few_in_the_summary(make_folder: MakeFolder) -> None:
    folder = make_folder("set", [chr(0x4E00 + i) for i in range(25)])
    summary = audit_of(folder).summary()
    assert summary.count("labels.txt:") == 3
    assert summary.count(" 1 line,") == 19
    assert " and 5 more symbols\n" in summary


def test_progress_ends_with_all_lines(make_folder: MakeFolder) -> None:
    dataset = open_dataset(str(make_folder("set", ["a", "b"])))
    seen: list[tuple[int, int]] = []
    audit_lines(dataset, Charset("ab"), SPEC, eight_px_per_step, lambda *counts: seen.append(counts))
    assert seen == [(0, 2), (2, 2)]


def test_max_bad_is_a_bar_not_a_filter(make_folder: MakeFolder) -> None:
    folder = make_folder("set", ["a"] * 48 + ["?", ""])
    audit = audit_of(folder)
    enforce_max_bad(audit, audit.total, 0.04)  # exactly 2 of 50
    with pytest.raises(BarError) as raised:
        enforce_max_bad(audit, audit.total, 0.02)
    assert str(raised.value) == (
        f"{folder}: 2 of 50 lines (4.0%) cannot be used, more than --max-bad 0.02: 1 no text, "
        f"1 unknown symbol; the first: {folder}/labels.txt:50: as `path<TAB>text` the text is empty; "
        "correct them or raise --max-bad"
    )
    assert raised.value.exit_code == 1


def test_too_few_lines() -> None:
    require_train_lines("set", 10)
    require_eval_lines("set", 1)
    with pytest.raises(InputError, match=r"^set has 9 usable lines; at least 10 are needed to train"):
        require_train_lines("set", 9)
    with pytest.raises(InputError, match=r"^set has 0 usable lines; at least 1 are needed to evaluate"):
        require_eval_lines("set", 0)


def test_skipped_tsv_survives_any_label(tmp_path: Path) -> None:
    path = tmp_path / "skipped.tsv"
    path.write_text("older")
    rejects = [
        Reject("a\tb\\c.png", "l.txt:1", RejectReason.NO_TEXT, "x\ny\r\u2028\x1b[31m\udcff"),
        Reject("å.png", "l.txt:2", RejectReason.TOO_LONG, "'æ'"),
    ]
    write_skipped(path, rejects)
    assert path.read_bytes().decode() == (
        "id\tsource\treason\tdetail\n"
        "a\\tb\\\\c.png\tl.txt:1\tno text\tx\\ny\\r\\u2028\\u001b[31m\\udcff\n"
        "å.png\tl.txt:2\ttoo long for the width\t'æ'\n"
    )
    assert summarise_rejects(rejects) == (
        "1 no text, 1 too long for the width; the first: l.txt:1: x\ny\r\u2028\x1b[31m\udcff"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["skipped.tsv"]

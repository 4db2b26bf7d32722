"""Writing labelled lines of any format: what comes out is what went in, and what did not is listed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocrtune.cli import main
from ocrtune.data.dataset import open_dataset
from ocrtune.data.folder_writing import FolderWriter
from ocrtune.data.formats.registry import open_labels
from ocrtune.data.groups import page_of
from ocrtune.data.image_names import ImageNames
from ocrtune.data.importing import import_lines
from ocrtune.data.label_file import FileImage
from ocrtune.data.lines import LabelledLines, LineEntry
from ocrtune.data.rejects import RejectReason
from ocrtune.errors import InputError

Png = Callable[..., bytes]
MakeFolder = Callable[[str, Sequence[str]], Path]

PNG = cv2.imencode(".png", np.arange(640, dtype=np.uint8).reshape(16, 40))[1].tobytes()

LABELS = b"a.png\tx\nbroken.png\ty\nc.png\ngone.png\tz\n"

HOSTILE_TEXTS = (
    '"quoted, "" twice"',
    "שלום עולם",
    "e\u0301\u0302\u0303",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "x" * 1000,
    "a\u2028b\x85c",
    "\ufeff",
    "=1+1",
    "a\\tb\\n",
    "\u202eabc",
    "a\tb\nc\r\n",
)
HOSTILE = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), st.sampled_from(HOSTILE_TEXTS)
).filter(str.strip)


def lines_of(image: Path, texts: Sequence[str], ids: Sequence[str] | None = None) -> LabelledLines:
    """Lines that all show one image."""
    entries = tuple(LineEntry(ids[i] if ids else f"{i}.png", text, f"t:{i}") for i, text in enumerate(texts))
    return LabelledLines(entries, (FileImage(image),) * len(texts), (), "made by the test")


@settings(max_examples=20)
@given(texts=st.lists(HOSTILE, min_size=1, max_size=8))
@example(texts=["\ufeffx", '"', " x ", *HOSTILE_TEXTS])
@pytest.mark.parametrize("as_lmdb", [False, True])
def test_what_is_written_is_read_back(
    texts: list[str], as_lmdb: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """To the letter: an LMDB holds any text, a label file all but those with a TAB or a line break."""
    storable = [text for text in texts if as_lmdb or not set(text) & set("\t\n\r")]
    with tempfile.TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as name:
        image = Path(name, "x.png")
        image.write_bytes(PNG)
        lines = lines_of(image, texts)
        if not storable:
            with pytest.raises(InputError, match="no line can be imported"):
                import_lines(lines, Path(name, "out"), as_lmdb=as_lmdb)
            return
        imported = import_lines(lines, Path(name, "out"), as_lmdb=as_lmdb)
        dataset = open_dataset(str(imported.path))
        assert [entry.text for entry in dataset.entries] == storable
        assert {content.read() for content in dataset.images} == {PNG}
        left_out = {reject.source for reject in imported.rejects}
        assert left_out == {f"t:{i}" for i, text in enumerate(texts) if text not in storable}


@settings(max_examples=20)
@given(texts=st.lists(HOSTILE, min_size=1, max_size=8))
@example(texts=list(HOSTILE_TEXTS))
def test_a_folder_holds_every_text_that_a_label_file_can(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What `split --copy` and `fix` write with: only what would break a row is refused."""
    with tempfile.TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as name:
        with FolderWriter(Path(name)) as writer:
            written = [writer.add(f"{i}.png", text, PNG) for i, text in enumerate(texts)]
        assert written == ["\n" not in text and not text.endswith("\r") for text in texts]
        kept = [text for text, is_written in zip(texts, written, strict=True) if is_written]
        assert writer.lines == len(kept)
        if kept:
            dataset = open_dataset(name)
            assert [entry.text for entry in dataset.entries] == kept
            assert {content.read() for content in dataset.images} == {PNG}
        assert len(list(Path(name).rglob("*.png"))) == len(kept)


def test_images_of_one_name_tell_their_page_still() -> None:
    names = ImageNames()
    given_names = [
        names.new(name, PNG) for name in ("a/003_1.png", "a/003_1.png", "A/003_1.PNG", "003_1.png")
    ]
    assert given_names == [
        "images/a/003_1.png",
        "images/also-b/a/003_1.png",
        "images/also-c/A/003_1.PNG",
        "images/003_1.png",
    ]
    assert {page_of(name) for name in given_names} == {"003"}
    many = [names.new("x", PNG) for _ in range(30)]
    assert (many[0], many[-1], len(set(many))) == ("images/x.png", "images/also-ad/x.png", 30)


@settings(max_examples=25)
@given(ids=st.lists(st.text(st.characters(), max_size=130), min_size=1, max_size=6))
@example(
    ids=["../../etc/x.png", "/etc/x.png", "C:\\x.png", "con.png", "a\tb.png", "é.png", "e\u0301.png", "É.png"]
)
@example(ids=["a.png", "a.png/b.png", "a.gif", "a.gif/b", "a-2.png", "a.png", "a.png", "a.png"])
@example(ids=["", ".", "..", "a/./b", "x" * 300 + ".png", "\ud800.png", "a.png/", "nul"])
def test_any_id_becomes_a_name_inside_of_the_folder(ids: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        image = Path(name, "x.png")
        image.write_bytes(PNG)
        out = import_lines(
            lines_of(image, [f"text {i}" for i in range(len(ids))], ids), Path(name, "out")
        ).path
        assert sorted(file.name for file in Path(name).iterdir()) == ["out", "x.png"]
        dataset = open_dataset(str(out))
        assert [sample.text for sample in dataset] == [f"text {i}" for i in range(len(ids))]
        assert all(entry.id.startswith("images/") for entry in dataset.entries)


def test_images_are_copied_byte_for_byte_under_their_names(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder("set", ["x", "y"])
    out = import_lines(open_labels(folder), tmp_path / "out").path
    assert (out / "labels.txt").read_bytes() == b"images/0.png\tx\nimages/1.png\ty\n"
    for name in ("images/0.png", "images/1.png"):
        assert (out / name).read_bytes() == (folder / name).read_bytes()
    assert sorted(file.name for file in out.iterdir()) == ["images", "labels.txt"]


def test_images_of_one_name_in_several_folders_stay_apart(tmp_path: Path, make_folder: MakeFolder) -> None:
    for name in ("pool/a", "pool/b"):
        make_folder(name, [name])
    dataset = open_dataset(str(import_lines(open_labels(tmp_path / "pool"), tmp_path / "out").path))
    assert [(e.id, e.text) for e in dataset.entries] == [
        ("images/a/images/0.png", "pool/a"),
        ("images/b/images/0.png", "pool/b"),
    ]


def test_a_text_that_labels_txt_cannot_hold_is_refused_there_and_kept_in_an_lmdb(
    tmp_path: Path, png: Png
) -> None:
    (tmp_path / "x.png").write_bytes(png())
    lines = lines_of(tmp_path / "x.png", ["fine", "a\tb", "a\nb", "a\r", "\ud83d"])
    folder = import_lines(lines, tmp_path / "folder")
    assert folder.lines == 1
    assert [reject.id for reject in folder.rejects] == ["1.png", "2.png", "3.png", "4.png"]
    assert {reject.reason for reject in folder.rejects} == {RejectReason.UNSTORABLE}
    assert "--lmdb can" in folder.rejects[0].detail
    assert folder.rejects[3].detail == "U+D83D is half of a symbol"
    stored = import_lines(lines, tmp_path / "lmdb", as_lmdb=True)
    assert [e.text for e in open_dataset(str(stored.path)).entries] == ["fine", "a\tb", "a\nb", "a\r"]


def test_what_is_left_out_is_listed(tmp_path: Path, png: Png, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in {"a.png": png(), "broken.png": png()[:40], "gt.txt": LABELS}.items():
        (tmp_path / name).write_bytes(content)
    assert main(["data", "import", str(tmp_path), "-o", str(tmp_path / "out")]) == 0
    rows = (tmp_path / "out/skipped.tsv").read_text(encoding="utf-8").splitlines()
    assert [row.split("\t")[1:3] for row in rows[1:]] == [
        [f"{tmp_path}/gt.txt:3", "no text"],
        [f"{tmp_path}/gt.txt:2", "broken image"],
        [f"{tmp_path}/gt.txt:4", "missing image"],
    ]
    output = capsys.readouterr()
    assert output.out.startswith(
        f"1 lines in {tmp_path}/out\nLeft out: 1 no text, 1 broken image, 1 missing image"
    )
    assert (
        f"{tmp_path}/gt.txt: 3 lines as a label file; images from {tmp_path} (2), nowhere (1)" in output.err
    )


def test_an_output_is_replaced_only_when_asked_and_only_an_import(
    tmp_path: Path, make_folder: MakeFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = make_folder("first", ["x"]), make_folder("second", ["y", "z"])
    out = tmp_path / "out"
    command = ["data", "import", "-o", str(out)]
    assert main([*command, str(first)]) == 0
    assert main([*command, str(second)]) == 2
    assert main([*command, str(second), "--overwrite", "--lmdb"]) == 0
    assert [sample.text for sample in open_dataset(str(out))] == ["y", "z"]
    assert main([*command, str(first), "--overwrite"]) == 0
    assert np.array_equal(open_dataset(str(out)).image(0), open_dataset(str(first)).image(0))
    (out / "notes.md").write_text("mine")
    capsys.readouterr()
    assert main([*command, str(first), "--overwrite"]) == 2
    assert "holds more than labelled lines, so it is not overwritten" in capsys.readouterr().err
    assert (out / "notes.md").exists()


def test_nothing_usable_leaves_nothing(tmp_path: Path, png: Png) -> None:
    (tmp_path / "x.png").write_bytes(png()[:30])
    with pytest.raises(InputError, match="no line can be imported: 1 broken image; the first: t:0"):
        import_lines(lines_of(tmp_path / "x.png", ["x"]), tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]

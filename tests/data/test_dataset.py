"""Opening datasets: the formats, where images are looked for, weights, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from ocrtune.data.dataset import open_dataset
from ocrtune.data.images import ImageError, decode_image
from ocrtune.data.label_file import LabelForm, detect_form, split_line
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError

Png = Callable[..., bytes]
LabelFile = Callable[..., Path]
MakeFolder = Callable[[str, Sequence[str]], Path]


@pytest.fixture
def label_file(tmp_path: Path, png: Png) -> LabelFile:
    """Write `train.txt` with this content into `folder` beside images of these names."""

    def write(content: bytes, *names: str, folder: Path = tmp_path) -> Path:
        for name in ("train.txt", *names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png())
        path = folder / "train.txt"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("lines", "form", "split"),
    [
        (["a.png\tTOTAL 5"], LabelForm.TAB, [("a.png", "TOTAL 5")]),
        # Everything after the first TAB is text, spaces at its ends too.
        (["my a.png\t x\ty "], LabelForm.TAB, [("my a.png", " x\ty ")]),
        # A line that lost its TAB does not change the form of the file: it has no text.
        (["a.png\tx", "b.png", "c.png\ty"], LabelForm.TAB, [("a.png", "x"), ("b.png", ""), ("c.png", "y")]),
        (["a.png TOTAL 5"], LabelForm.EXTENSION, [("a.png", "TOTAL 5")]),
        # A name with spaces, an extension in capitals, a second extension in the text, a second space.
        (["my scan.JPG see b.png"], LabelForm.EXTENSION, [("my scan.JPG", "see b.png")]),
        (["a.jpeg  x"], LabelForm.EXTENSION, [("a.jpeg", " x")]),
        # A TAB inside one text of many is part of the text.
        (["a.png x", "b.png y", "c.png\tz q"], LabelForm.EXTENSION, [("a.png", "x"), ("b.png", "y")]),
        # A name whose dots are no extension: only the first space is left to go by.
        (["word_1 Genaxis Theatre"], LabelForm.SPACE, [("word_1", "Genaxis Theatre")]),
        (["a.png,x y"], LabelForm.SPACE, [("a.png,x", "y")]),
        (["word_1"], LabelForm.SPACE, [("word_1", "")]),
    ],
)
def test_label_forms(lines: list[str], form: LabelForm, split: list[tuple[str, str]]) -> None:
    assert detect_form(lines) is form
    assert [split_line(line, form) for line in lines[: len(split)]] == split


def test_a_folder_gives_its_lines_lazily(make_folder: MakeFolder, png: Png) -> None:
    folder = make_folder("plates", ["AB 123", "皖A 99"])
    dataset = open_dataset(str(folder))
    assert [(e.id, e.text, e.source) for e in dataset.entries] == [
        ("images/0.png", "AB 123", f"{folder}/labels.txt:1"),
        ("images/1.png", "皖A 99", f"{folder}/labels.txt:2"),
    ]
    assert (dataset.name, dataset.weight, dataset.rejects) == (str(folder), 1.0, ())
    assert dataset.resolved == (
        f"{folder}/labels.txt: 2 lines as `path<TAB>text`; images from the label file's folder {folder} (2)"
    )
    assert [sample.text for sample in dataset] == ["AB 123", "皖A 99"]
    np.testing.assert_array_equal(dataset[1].image, decode_image(png(1), ""))
    (folder / "images/1.png").unlink()
    with pytest.raises(ImageError, match=r"images/1\.png: missing image: no such file"):
        dataset.image(1)


def test_texts_are_kept_to_the_letter(label_file: LabelFile) -> None:
    """BOM, line ends and blank lines go; nothing within a text does, U+2028 and U+0085 included."""
    content = "\ufeffa.png\t x\u2028y \r\n\r\n   \nb.png\te\u0301\u0085\x0cz".encode()
    dataset = open_dataset(str(label_file(content, "a.png", "b.png")))
    assert [e.text for e in dataset.entries] == [" x\u2028y ", "e\u0301\u0085\x0cz"]
    assert [e.source[-2:] for e in dataset.entries] == [":1", ":4"]
    assert dataset.rejects == ()


def test_lines_that_cannot_be_labels_are_rejects(label_file: LabelFile) -> None:
    path = label_file(b"a.png\tx\nb.png\nc.png\t  \n\ttext\n", "a.png")
    dataset = open_dataset(str(path))
    assert [e.id for e in dataset.entries] == ["a.png"]
    no_text = "as `path<TAB>text` the text is empty"
    assert dataset.rejects == (
        Reject("b.png", f"{path}:2", RejectReason.NO_TEXT, no_text),
        Reject("c.png", f"{path}:3", RejectReason.NO_TEXT, no_text),
        Reject("", f"{path}:4", RejectReason.MISSING_IMAGE, "no path before the text"),
    )


def test_images_beside_the_label_file_come_before_the_working_directory(
    tmp_path: Path, label_file: LabelFile, png: Png, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    for name, seed in (("both.png", 1), ("cwd.png", 2)):
        (tmp_path / "cwd" / name).write_bytes(png(seed))
    elsewhere = tmp_path / "elsewhere.png"
    content = f"both.png\tx\ncwd.png\ty\nsub\\s.png\tz\n{elsewhere}\tw\n../up.png\tv\ngone.png\tu\n"
    path = label_file(
        content.encode(), "both.png", "sub/s.png", "../up.png", "../elsewhere.png", folder=tmp_path / "set"
    )
    dataset = open_dataset(str(path))
    beside, cwd = decode_image(png(0), ""), decode_image(png(2), "")
    for index, expected in enumerate([beside, cwd, beside, beside, beside]):
        np.testing.assert_array_equal(dataset.image(index), expected)
    assert dataset.resolved == (
        f"{path}: 6 lines as `path<TAB>text`; images from the label file's folder {path.parent} (3), "
        f"the working directory {tmp_path / 'cwd'} (1), absolute paths (1), nowhere (1)"
    )
    # The one that is nowhere is an entry still: the audit counts it.
    with pytest.raises(ImageError, match=r"set/gone\.png: missing image"):
        dataset.image(5)


def test_images_option_is_the_only_place(tmp_path: Path, label_file: LabelFile) -> None:
    path = label_file(b"a.png\tx\nb.png\ty\n", "a.png", "pool/b.png")
    dataset = open_dataset(str(path), tmp_path / "pool")
    assert dataset.resolved.endswith(f"; images from --images {tmp_path / 'pool'} (1), nowhere (1)")
    with pytest.raises(ImageError, match="missing"):
        dataset.image(0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "train.txt is empty; write one `path<TAB>text` per line"),
        (b"\xef\xbb\xbf\n \n", "train.txt is empty"),
        (b"\na.png\nb.png\n", "train.txt:2: neither a TAB nor a space between image path and text"),
        (b"my a.png\nmy b.png\n", "train.txt:1: neither a TAB nor a space"),
        (b"a.png\tx\nb.png\t\xe5\n", "train.txt:2: not UTF-8 (byte 14); save the file as UTF-8"),
        ("a.png\tx".encode("utf-16"), "train.txt:1: not UTF-8"),
        (b"\n1.png\tx\n2.png\ty\n", "train.txt:2: the image 1.png is not in the label file's folder"),
    ],
)
def test_an_unusable_label_file_says_where_and_what_to_do(
    tmp_path: Path, label_file: LabelFile, content: bytes, message: str
) -> None:
    with pytest.raises(InputError) as raised:
        open_dataset(str(label_file(content)))
    assert str(raised.value).startswith(f"{tmp_path}/{message}")
    assert "\n" not in str(raised.value)


def test_nothing_to_open(tmp_path: Path, png: Png) -> None:
    with pytest.raises(InputError, match=r"^there is no .*/gone; give a label file"):
        open_dataset(str(tmp_path / "gone"))
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(png(i))
    with pytest.raises(InputError, match=r"holds neither labels\.txt nor an LMDB \(data\.mdb\); write "):
        open_dataset(str(tmp_path))
    with pytest.raises(InputError, match=r"--images .* is not a folder"):
        open_dataset(str(tmp_path), tmp_path / "gone")


def test_weights(make_folder: MakeFolder) -> None:
    folder = make_folder("set", ["x"])
    weighted = open_dataset(f"{folder}@2.5")
    assert (weighted.name, weighted.weight) == (str(folder), 2.5)
    at = make_folder("set@3", ["x"])  # a name that exists is not cut
    assert (open_dataset(str(at)).name, open_dataset(str(at)).weight) == (str(at), 1.0)
    for wrong in ("0", "-1", "nan", "inf"):
        with pytest.raises(InputError, match="the weight after @ must be a number above 0"):
            open_dataset(f"{folder}@{wrong}")
    with pytest.raises(InputError, match=r"there is no .*set@two"):
        open_dataset(f"{folder}@two")


def test_digest_names_ids_and_texts_in_order(make_folder: MakeFolder) -> None:
    first = open_dataset(str(make_folder("a", ["x", "y"])))
    again = open_dataset(str(make_folder("b", ["x", "y"])))
    assert first.digest == again.digest
    assert first.digest != open_dataset(str(make_folder("c", ["x", "yy"]))).digest
    assert first.digest != first.select([1, 0]).digest
    assert len(first.digest) == 64


def test_select_keeps_image_and_text_together(make_folder: MakeFolder) -> None:
    dataset = open_dataset(str(make_folder("a", ["x", "y", "z"])))
    part = dataset.select([2, 0])
    assert [(s.text, s.id) for s in part] == [("z", "images/2.png"), ("x", "images/0.png")]
    np.testing.assert_array_equal(part.image(0), dataset.image(2))


def test_real_lines_open(shared: Path) -> None:
    dataset = open_dataset(str(shared / "real/plates/train"))
    assert len(dataset) == 500
    assert dataset.rejects == ()
    assert (dataset[0].text, dataset[0].image.shape) == ("皖AB3U58", (24, 94, 3))

"""Images without labels: which are chosen, what their files tell, what cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from ocrtune.data.images import ImageError
from ocrtune.data.unlabelled import UnlabelledImage, chosen_evenly, jpeg_quality, list_images, read_images
from ocrtune.errors import InputError


def encoded(kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (40, 20), (200, 180, 90)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("quality", [5, 30, 75, 90, 100])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality: int) -> None:
    assert jpeg_quality(encoded("JPEG", quality=quality)) == quality


def test_other_formats_tell_no_quality() -> None:
    assert jpeg_quality(encoded("PNG")) is None
    assert jpeg_quality(encoded("WEBP", quality=50)) is None


def test_images_at_any_depth_by_name(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/10.JPG", "a.webp", "labels.txt", "b/c/x.gif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)] == [
        "a.webp",
        "b/10.JPG",
        "b/2.png",
    ]


def test_no_folder_and_no_image(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a folder"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no images"):
        list_images(tmp_path)


def test_images_are_chosen_evenly() -> None:
    paths = [Path(str(i)) for i in range(10)]
    assert chosen_evenly(paths, 5) == [Path(str(i)) for i in (0, 2, 4, 6, 8)]
    assert chosen_evenly(paths, 50) == paths


def test_unreadable_files_come_as_their_errors(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("good.jpg", "empty.png", "broken.jpg", "gone.png")]
    paths[0].write_bytes(encoded("JPEG", quality=60))
    paths[1].write_bytes(b"")
    paths[2].write_bytes(encoded("JPEG")[:200])
    good, *bad = read_images(paths)
    assert isinstance(good, UnlabelledImage)
    assert (good.image.shape, good.image.dtype, good.jpeg_quality) == ((20, 40, 3), np.uint8, 60)
    assert [type(error) for error in bad] == [ImageError] * 3

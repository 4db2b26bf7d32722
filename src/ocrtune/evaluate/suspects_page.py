"""Suspects to look through: one HTML page with everything in it, and a list for programs."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from ocrtune.data.images import ImageError
from ocrtune.data.rejects import as_tsv
from ocrtune.evaluate.suspects import Suspect
from ocrtune.reading.files import printable
from ocrtune.records import Image

CROP_HEIGHT, CROP_WIDTH = 96, 1200
"""px; larger crops are made smaller."""

SHOWN_HEIGHT = 44
"""px to which lower crops are shown larger, but no more than `MOST_GROWN` times."""

MOST_GROWN = 3.0

JPEG_QUALITY = 85

PAGE_LIMIT = 32 * 2**20
"""Bytes of image data on a page; browsers are slow beyond."""

FIELDS = ("rank", "score", "log_ratio", "confidence", "edits", "dataset", "source", "id", "label", "reading")

_MISSING, _SPACE = "\u2038", "\u2423"
"""A caret where the other text has more, and a space that can be seen."""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
  color: #1c1c1c; background: #fff; }
header p { max-width: 50rem; }
ol { list-style: none; padding: 0; }
li { border-top: 1px solid #ccc; padding: .8rem 0; display: grid; grid-template-columns: 4rem 1fr; }
.rank { color: #666; font-size: 1.1rem; }
img { max-width: 100%; height: auto; border: 1px solid #ddd; display: block; margin-bottom: .4rem; }
dl { display: grid; grid-template-columns: 5rem 1fr; align-items: baseline; margin: 0; }
dt, .where { color: #666; }
dd { margin: 0; font: 17px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }
mark { padding: 0 .1em; border-radius: 2px; }
mark.label { background: #ffd0c9; text-decoration: underline #b2182b 2px; }
mark.reading { background: #c9efd2; text-decoration: underline #1b7837 2px; }
.where { font-size: .85rem; overflow-wrap: anywhere; margin: .2rem 0 0; }
"""


def suspects_page(
    suspects: Sequence[Suspect], title: str, notes: Sequence[str], *, ignore_case: bool = False
) -> str:
    """An HTML page with the crop, the label, the reading and what differs between them.

    Nothing is fetched from anywhere, and nothing runs on it.

    Args:
        suspects: in the order they are to be shown.
        title: heading of the page.
        notes: paragraphs under it.
        ignore_case: case makes no difference.
    """
    rows, size = [], 0
    for rank, suspect in enumerate(suspects, start=1):
        crop = _crop(suspect)
        size += len(crop)
        if size > PAGE_LIMIT:
            notes = (*notes, f"Shown: the first {rank - 1} of {len(suspects)}; a page has no room for more.")
            break
        rows.append(_row(rank, suspect, crop, ignore_case))
    paragraphs = "\n".join(f"<p>{html.escape(printable(note))}</p>" for note in notes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width">
<title>{html.escape(printable(title))}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{html.escape(printable(title))}</h1>
{paragraphs}
</header>
<ol>
{"".join(rows)}</ol>
</body>
</html>
"""


def suspects_tsv(suspects: Sequence[Suspect]) -> str:
    """All suspects as tab-separated values with a heading, most likely wrong first; see `as_tsv`."""
    rows = [
        (
            str(rank),
            f"{suspect.score:.4f}",
            f"{suspect.log_ratio:.3f}",
            f"{suspect.confidence:.4f}",
            str(suspect.distance),
            suspect.dataset.name,
            suspect.entry.source,
            suspect.entry.id,
            suspect.entry.text,
            suspect.reading,
        )
        for rank, suspect in enumerate(suspects, start=1)
    ]
    return as_tsv([FIELDS, *rows])


def marked(text: str, other: str, kind: str, *, ignore_case: bool = False) -> str:
    """`text` as HTML with what `other` has otherwise in `<mark>`; a gap where `other` has more is marked too.

    Args:
        text: to be shown.
        other: to compare with.
        kind: class of the marks.
        ignore_case: case makes no difference.
    """
    shown = []
    folded = [_folded(text, ignore_case), _folded(other, ignore_case)]
    for code in Levenshtein.opcodes(*folded):
        part = html.escape(printable(text[code.src_start : code.src_end]))
        if code.tag != "equal":
            part = _MISSING if code.tag == "insert" else part.replace(" ", _SPACE)
            part = f'<mark class="{kind}">{part}</mark>'
        shown.append(part)
    return "".join(shown)


def _folded(text: str, ignore_case: bool) -> list[str]:
    return [symbol.upper() for symbol in text] if ignore_case else list(text)


def _row(rank: int, suspect: Suspect, crop: str, ignore_case: bool) -> str:
    label, reading = suspect.entry.text, suspect.reading
    where = html.escape(printable(suspect.entry.source))
    return f"""<li><span class="rank">{rank}</span><div>{crop}
<dl><dt>label</dt><dd dir="auto">{marked(label, reading, "label", ignore_case=ignore_case)}</dd>
<dt>read</dt><dd dir="auto">{marked(reading, label, "reading", ignore_case=ignore_case)}</dd></dl>
<p class="where">score {suspect.score:.2f}, confidence {suspect.confidence:.2f}; {where}</p></div></li>
"""


def _crop(suspect: Suspect) -> str:
    try:
        image = _fitted(suspect.image())
    except ImageError as error:  # it was there when it was read
        return f"<p>{html.escape(printable(str(error)))}</p>"
    colours = image if image.ndim == 2 else image[:, :, ::-1]  # OpenCV has BGR
    content = cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    grown = max(1.0, min(MOST_GROWN, SHOWN_HEIGHT / image.shape[0], CROP_WIDTH / image.shape[1]))
    height, width = (round(side * grown) for side in image.shape[:2])
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" alt="" loading="lazy">'
    )


def _fitted(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = min(1.0, CROP_HEIGHT / height, CROP_WIDTH / width)
    if scale == 1.0:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)

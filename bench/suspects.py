"""Wrong labels found: `ocrtune data suspects` on receipts of which a seeded 1 % of the labels are damaged.

    python bench/suspects.py --data ../shared/real --out suspects-bench
    python bench/suspects.py --data ../shared/real --out suspects-bench --damage 0

DIR holds `receipts/train` with `images/` and `labels.txt`. Counts the damaged labels in the top 1 % of
suspects. The others there are drawn on contact sheets in the output folder, for a person to look at; what was
seen is in `receipts_verdicts.tsv` beside this file, by the names of the images, and is counted too. Without
damage the first 50 suspects are counted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from commands import call, machine
from damage import KINDS, damage
from PIL import Image, ImageDraw, ImageFont

VERDICTS = Path(__file__).with_name("receipts_verdicts.tsv")
"""Image name, `wrong` or `right`, and why: of untouched labels that were suspected, looked at by eye."""

UNTOUCHED_TOP = 50
SHEET_ROWS = 18


@dataclass(frozen=True)
class Row:
    """A suspect, as the command lists it."""

    rank: int
    image: Path
    label: str
    reading: str
    score: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with receipts")
    parser.add_argument("--out", type=Path, required=True, help="folder for suspects and contact sheets")
    parser.add_argument("--damage", type=float, default=0.01, help="share of labels to damage")
    parser.add_argument("--seed", type=int, default=1, help="of the damage")
    parser.add_argument("--options", default="", help="further options of ocrtune data suspects")
    options = parser.parse_args()
    print(machine(), f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "", flush=True)
    folder = (options.data / "receipts/train").resolve()
    rows = [row.split("\t") for row in (folder / "labels.txt").read_text(encoding="utf-8").splitlines()]
    labels = [text for _, text in rows]
    damaged = damage(labels, options.damage, options.seed) if options.damage else {}
    options.out.mkdir(parents=True, exist_ok=True)
    label_file = options.out / "labels.txt"
    label_file.write_text(
        "".join(
            f"{folder / name}\t{damaged[i][1] if i in damaged else text}\n"
            for i, (name, text) in enumerate(rows)
        ),
        encoding="utf-8",
    )
    kinds = {rows[i][0].rpartition("/")[2]: kind for i, (kind, _) in damaged.items()}
    begun = time.perf_counter()
    call(
        "data", "suspects", "--data", str(label_file), "-o", str(options.out / "suspects"), "--overwrite",
        *options.options.split(),
    )  # fmt: skip
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    minutes, cpu = (time.perf_counter() - begun) / 60, (used.ru_utime + used.ru_stime) / 60
    print(
        f"{len(rows)} lines, {len(damaged)} damaged by seed {options.seed}; {minutes:.1f} min, "
        f"{cpu:.1f} of processor time, {used.ru_maxrss / 2**20:.2f} GiB at most"
    )
    report(options.out, read_suspects(options.out / "suspects/suspects.tsv"), kinds, len(rows))


def report(out: Path, suspects: list[Row], kinds: dict[str, str], lines: int) -> None:
    """Counts of the top suspects, and contact sheets of those that nobody damaged."""
    top = round(0.01 * lines) if kinds else UNTOUCHED_TOP
    verdicts = read_verdicts()
    first = suspects[:top]
    known = [row for row in first if row.image.name in kinds]
    others = [row for row in first if row.image.name not in kinds]
    seen = Counter(verdicts.get(row.image.name, "not looked at") for row in others)
    true = len(known) + seen["wrong"]
    print(
        f"top {top}: {len(known)} damaged; of the others by eye: {dict(seen)}; "
        f"damaged or wrong: {true} ({true / top:.1%})"
    )
    if kinds:
        found = Counter(kinds[row.image.name] for row in known)
        of = Counter(kinds.values())
        print("found of each kind: " + ", ".join(f"{kind} {found[kind]}/{of[kind]}" for kind in KINDS))
        later = [row.rank for row in suspects if row.image.name in kinds]
        for depth in (2, 4):
            print(f"in the top {depth} %: {sum(rank <= depth * top for rank in later)} of {len(kinds)}")
    (out / "others.json").write_text(
        json.dumps(
            [[row.rank, row.image.name, row.label, row.reading, row.score] for row in others], indent=1
        )
    )
    for number, start in enumerate(range(0, len(others), SHEET_ROWS), start=1):
        draw_sheet(others[start : start + SHEET_ROWS], out / f"others-{number:02}.png")


def read_suspects(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Row(int(row["rank"]), Path(row["id"]), row["label"], row["reading"], float(row["score"]))
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def read_verdicts() -> dict[str, str]:
    if not VERDICTS.is_file():
        return {}
    rows = (row.split("\t") for row in VERDICTS.read_text(encoding="utf-8").splitlines())
    return {name: verdict for name, verdict, _ in rows}


def draw_sheet(rows: list[Row], path: Path) -> None:
    """Crops, each over its label and its reading."""
    import matplotlib

    font_file = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSansMono.ttf")
    font = ImageFont.truetype(str(font_file), 20)
    sheet = Image.new("RGB", (1100, 112 * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for at, row in enumerate(rows):
        top = 112 * at
        with Image.open(row.image) as crop:
            scale = min(54 / crop.height, 900 / crop.width)
            size = (max(1, round(crop.width * scale)), max(1, round(crop.height * scale)))
            sheet.paste(crop.convert("RGB").resize(size), (190, top + 4))
        draw.text((4, top + 10), f"{row.rank} {row.score:.1f}", "black", font)
        draw.text((4, top + 34), row.image.stem[-14:], "grey", font)
        draw.text((190, top + 60), f"L {row.label}", "darkred", font)
        draw.text((190, top + 84), f"R {row.reading}", "darkgreen", font)
        draw.line((0, top + 111, 1100, top + 111), "lightgrey")
    sheet.save(path)


if __name__ == "__main__":
    main()

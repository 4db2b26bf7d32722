"""Wrong labels found: `ocrtune data suspects` on receipts of which a seeded 1 % of the labels are damaged.

    python bench/suspects.py --data ../shared/real --out suspects-bench

DIR holds `receipts/train` with `images/` and `labels.txt`. Judges are trained on the damaged labels, as the
command trains them. They judge the damaged labels, of which the top 1 % of suspects is counted, and then
the labels as they were, of which the first 50 are. Suspects that nobody damaged are drawn on contact sheets
in the output folder, for a person to look at; what was seen is in `receipts_verdicts.tsv` beside this file,
by the names of the images, and is counted too.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections import Counter
from pathlib import Path

import matplotlib
from commands import machine
from damage import KINDS, damage
from PIL import Image, ImageDraw, ImageFont

from ocrtune.evaluate.judging import plan_judging
from ocrtune.evaluate.suspects import Suspect, Weighing, open_lines
from ocrtune.evaluate.suspects_page import suspects_tsv
from ocrtune.workflows.cross_fitting import cross_fit

VERDICTS = Path(__file__).with_name("receipts_verdicts.tsv")
"""Image name, `wrong` or `right`, and why: of untouched labels that were suspected, looked at by eye."""

UNTOUCHED_TOP = 50
SHEET_ROWS = 18


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with receipts")
    parser.add_argument("--out", type=Path, required=True, help="folder for labels, lists and contact sheets")
    parser.add_argument("--damage", type=float, default=0.01, help="share of labels to damage")
    parser.add_argument("--seed", type=int, default=1, help="of the damage")
    parser.add_argument("--lines", type=int, help="the first lines only, to try it out")
    options = parser.parse_args()
    print(machine(), f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "", flush=True)
    folder = (options.data / "receipts/train").resolve()
    content = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()[: options.lines]
    rows = [row.split("\t") for row in content]
    labels = [text for _, text in rows]
    damaged = damage(labels, options.damage, options.seed)
    kinds = {rows[i][0].rpartition("/")[2]: kind for i, (kind, _) in damaged.items()}
    texts = {
        "damaged": [damaged[i][1] if i in damaged else text for i, text in enumerate(labels)],
        "as-they-were": labels,
    }
    weighings = {}
    for name, of in texts.items():
        path = options.out / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{folder / image}\t{text}\n" for (image, _), text in zip(rows, of, strict=True))
        path.write_text("".join(lines), encoding="utf-8")
        weighings[name] = Weighing(open_lines([str(path)]))
    begun, worked = time.perf_counter(), time.process_time()
    datasets = weighings["damaged"].datasets
    judging = plan_judging(None, datasets, None, can_train=True)
    for judge in cross_fit(judging, datasets, None, "auto", print):
        for weighing in weighings.values():
            weighing.add(judge)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # KiB on Linux
    print(
        f"{len(rows)} lines, {len(damaged)} damaged by seed {options.seed}; "
        f"{(time.perf_counter() - begun) / 60:.1f} min, {(time.process_time() - worked) / 60:.1f} of "
        f"processor time with both judgements, {memory:.2f} GiB at most"
    )
    report(options.out, "damaged", weighings["damaged"], kinds, round(0.01 * len(rows)))
    report(options.out, "as-they-were", weighings["as-they-were"], {}, UNTOUCHED_TOP)


def report(out: Path, name: str, weighing: Weighing, kinds: dict[str, str], top: int) -> None:
    """Counts of the top suspects, and contact sheets of those that nobody damaged."""
    suspects = weighing.suspects
    (out / f"{name}.tsv").write_text(suspects_tsv(suspects), encoding="utf-8")
    verdicts = read_verdicts()
    names = [Path(suspect.entry.id).name for suspect in suspects]
    known = [image for image in names[:top] if image in kinds]
    others = [suspect for suspect, image in zip(suspects[:top], names, strict=False) if image not in kinds]
    seen = Counter(verdicts.get(Path(suspect.entry.id).name, "not looked at") for suspect in others)
    true = len(known) + seen["wrong"]
    print(
        f"labels {name}: {weighing.agreed} of {weighing.lines} read as labelled; in the top {top}: "
        f"{len(known)} damaged, of the others by eye {dict(seen)}; damaged or wrong {true / top:.1%}"
    )
    if kinds:
        found, of = Counter(kinds[image] for image in known), Counter(kinds.values())
        print("  of each kind: " + ", ".join(f"{kind} {found[kind]}/{of[kind]}" for kind in KINDS))
        for depth in (2, 4):
            deep = sum(image in kinds for image in names[: depth * top])
            print(f"  damaged in the top {depth} %: {deep} of {len(kinds)}")
    for number, start in enumerate(range(0, len(others), SHEET_ROWS), start=1):
        ranked = [(suspects.index(suspect) + 1, suspect) for suspect in others[start : start + SHEET_ROWS]]
        draw_sheet(ranked, out / f"{name}-{number:02}.png")


def read_verdicts() -> dict[str, str]:
    if not VERDICTS.is_file():
        return {}
    rows = (row.split("\t") for row in VERDICTS.read_text(encoding="utf-8").splitlines())
    return {name: verdict for name, verdict, _ in rows}


def draw_sheet(ranked: list[tuple[int, Suspect]], path: Path) -> None:
    """Crops, each over its label and its reading."""
    font_file = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSansMono.ttf")
    font = ImageFont.truetype(str(font_file), 20)
    sheet = Image.new("RGB", (1100, 112 * len(ranked)), "white")
    draw = ImageDraw.Draw(sheet)
    for at, (rank, suspect) in enumerate(ranked):
        top = 112 * at
        crop = Image.fromarray(suspect.image()).convert("RGB")
        scale = min(54 / crop.height, 900 / crop.width)
        crop = crop.resize((max(1, round(crop.width * scale)), max(1, round(crop.height * scale))))
        sheet.paste(crop, (190, top + 4))
        draw.text((4, top + 10), f"{rank} {suspect.score:.1f}", "black", font)
        draw.text((4, top + 34), Path(suspect.entry.id).stem[-14:], "grey", font)
        draw.text((190, top + 60), f"L {suspect.entry.text}", "darkred", font)
        draw.text((190, top + 84), f"R {suspect.reading}", "darkgreen", font)
        draw.line((0, top + 111, 1100, top + 111), "lightgrey")
    sheet.save(path)


if __name__ == "__main__":
    main()

"""Symbols that the base lacks, learnt from made lines alone: `ocrtune train --vocab keep` on Vietnamese.

    python bench/extend.py --fonts FOLDER --general ../shared/general

Trains on the lines of `bench/recipes/vietnamese.yaml` in two of three families of the fonts in FOLDER; the
other families draw the lines that are scored, with other texts. Reported is the share of the appearances of
the new letters that is read right there. GENERAL is a set of general lines in other fonts, which neither
trains nor chooses: it is scored before and after, for what the base forgets.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commands import call, machine, score_general, show_general, write_recipe

import ocrtune
from ocrtune.synth.font_search import find_fonts

VOWELS = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵ"
LETTERS = "".join(letter for letter in VOWELS + "đ" if not letter.isascii())

SCORED_LINES = 1000

LEAST_READ = 0.97
MOST_LOST = 0.005
MOST_MINUTES = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fonts", type=Path, required=True, help="fonts with the letters, of several families"
    )
    parser.add_argument("--general", type=Path, help="labelled general lines, only scored")
    parser.add_argument("--steps", type=int, help="batches, instead of the recipe's own number")
    parser.add_argument("--runs", type=Path, help="keep the made lines and the run here")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        result = run(options, options.runs or Path(temporary))
    print(report(result))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "result": result}, indent=1))


def run(options: argparse.Namespace, runs: Path) -> dict[str, Any]:
    """Train, and score the new letters and the general lines."""
    charset = ocrtune.load(None).recognizer.manifest.charset
    new = sorted(letter for letter in LETTERS + LETTERS.upper() if letter not in charset)
    known, kept_back = split_families(options.fonts, "".join(new))
    print(f"{len(new)} letters are new: {''.join(new)}")
    print(f"fonts that train: {', '.join(known)}; kept back: {', '.join(kept_back)}", flush=True)
    recipe = write_recipe("vietnamese", runs / "train.yaml", seed=0, fonts=paths_of(known))
    scored = runs / "scored"
    other = write_recipe(
        "vietnamese", runs / "scored.yaml", seed=1, lines=SCORED_LINES, fonts=paths_of(kept_back)
    )
    call("synth", "--recipe", str(other), "-o", str(scored), "--overwrite")
    begun = time.perf_counter()
    call(
        "train", "--train", f"synth:{recipe}", "--vocab", "keep", "-o", str(runs / "run"), "--overwrite",
        *(part for font in paths_of(known) for part in ("--fonts", font)),
        *(["--steps", str(options.steps)] if options.steps else []),
    )  # fmt: skip
    minutes = (time.perf_counter() - begun) / 60
    models = {"base": "ppocrv6-small", "tuned": str(runs / "run")}
    general = (
        {name: score_general(model, options.general) for name, model in models.items()}
        if options.general
        else {}
    )
    return {
        "minutes": minutes,
        "new": "".join(new),
        "letters": letters_read(models["tuned"], scored, new),
        "general": general,
    }


def split_families(folder: Path, letters: str) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Font files that have all of `letters`, by the first word of their family: two of three, and the third.

    Cuts of one design, such as a condensed one, share that word.
    """
    families: defaultdict[str, set[Path]] = defaultdict(set)
    for font, lacking in find_fonts([folder], letters).lacks.items():
        if not lacking:
            families[font.family.split()[0]].add(font.path)
    ordered = sorted(families)
    if len(ordered) < 3:
        raise SystemExit(f"{folder} has {len(ordered)} families with all letters; three are needed")
    sides: tuple[dict[str, list[Path]], ...] = {}, {}
    for number, family in enumerate(ordered):
        sides[number % 3 == 2][family] = sorted(families[family])
    return sides[0], sides[1]


def paths_of(fonts: dict[str, list[Path]]) -> list[str]:
    """All files of families."""
    return [str(path.resolve()) for paths in fonts.values() for path in paths]


def letters_read(model: str, lines: Path, letters: Sequence[str]) -> dict[str, Any]:
    """How often these letters were read where they stand, in all and for each."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "eval.json"
        call("eval", model, "--data", str(lines), "--json", str(target))
        content = json.loads(target.read_text(encoding="utf-8"))
    seen = {letter: content["symbols"][letter] for letter in letters if letter in content["symbols"]}
    count = sum(symbol["count"] for symbol in seen.values())
    read = sum(symbol["count"] * symbol["recall"] for symbol in seen.values())
    return {
        "count": count,
        "share": read / count,
        "seen": len(seen),
        "weakest": sorted(seen.items(), key=lambda item: item[1]["recall"])[:10],
        "exact_match": content["exact_match"],
        "cer": content["cer"],
    }


def report(result: dict[str, Any]) -> str:
    letters, general = result["letters"], result["general"]
    weakest = ", ".join(
        f"{letter} {symbol['recall']:.0%} of {symbol['count']}" for letter, symbol in letters["weakest"]
    )
    rows = [
        f"{result['minutes']:.1f} min, to reach: {MOST_MINUTES:g}",
        f"{letters['seen']} of {len(result['new'])} new letters appear; of {letters['count']} appearances "
        f"{letters['share']:.2%} are read right, to reach: {LEAST_READ:.0%}; weakest: {weakest}",
        f"lines with them: exact {letters['exact_match']:.1%}, CER {letters['cer']:.2%}",
    ]
    if general:
        rows += [f"general lines, {name}: {show_general(scores)}" for name, scores in general.items()]
        lost = general["base"]["exact"] - general["tuned"]["exact"]
        rows.append(f"lost: {100 * lost:+.2f} points, at most {100 * MOST_LOST:g}")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

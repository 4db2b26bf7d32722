"""Draws the pictures of docs/profiles.md.

    python docs/draw_profiles.py [PROFILE ...]

Fonts are matplotlib's, and for Chinese the system's (package fonts-noto-cjk on Debian).
"""

from __future__ import annotations

import sys
from pathlib import Path

from ocrtune.output import write_bytes
from ocrtune.synth.drawing import encode_png
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.looks.profile import profile_names
from ocrtune.synth.preview import SheetLayout, SheetLine, contact_sheet
from ocrtune.synth.recipe import SynthRecipe

PICTURES = Path(__file__).parent / "pictures"
LINES = 6
LAYOUT = SheetLayout(columns=3, cell_width=300, line_height=44, label_height=0, gap=5)

RECEIPT = [
    "TOTAL 1,284.50",
    "Melk lett 1l 24,90",
    "2 x 17.00",
    "CASH 50.00",
    "21.11.2026 14:05",
    "Brød grovt",
]
CHINESE = ["电子发票", "金额 1,280.00", "税率 13%", "购买方名称", "数量 12 单价 8.50", "价税合计"]
PLATES = ["皖A·B3U58", "京N·8K271", "沪C·55Q00", "粤B·U5521", "苏E·H8C18", "川A·XK190"]
TEXTS = {
    "clean": ["Plain black letters", "Ærlig talt: 12,90 kr", "No wear, no tilt"],
    "form-scan": [
        "Date of application",
        "Applicant: Kari Nordmann",
        "Please write in capitals",
        "Ref. 2026/1184",
    ],
    "id-card": ["NORDMANN", "KARI ANNE", "12.03.1987", "No. 4407 1182 93", "Date of expiry"],
    "invoice-cn": CHINESE,
    "label-print": [
        "SHARP EDGES",
        "Net weight 500 g",
        "Best before 03.2027",
        "LOT 20411-B",
        "Ingredients: water,",
    ],
    "licence-plate": PLATES,
    "medical-slip": ["Haemoglobin 13.8 g/dl", "Paracetamol 500 mg", "1-0-1 for 5 days", "Ref. range 4.0-5.6"],
    "metal-plate": ["TYPE GL-2041-18-A", "SERIAL NO 0093817", "400 V 50 Hz 7.5 kW", "MAX 16 BAR"],
    "old-print": [
        "of the voyage to the north",
        "CHAPTER THE THIRD",
        "when the wind had dropped,",
        "a harbour of some note",
    ],
    "screen": ["Settings", "Save as...", "3 of 12 selected", "Signal: 84 %", "error 0x80070005"],
    "street-sign": ["HARBOUR STREET", "No parking", "OPEN 9-17", "Fish & bread", "Exit 12"],
    "typewriter": [
        "the minutes of the meeting",
        "were read and approved.",
        "Oslo, 4 May 1951",
        "3 copies - file",
    ],
}


def draw(profile: str) -> bytes:
    """The contact sheet of one profile."""
    texts = TEXTS.get(profile, RECEIPT)
    fonts = (
        ()
        if not "".join(texts).isascii() and texts in (CHINESE, PLATES)
        else (str(matplotlib_font_folder()),)
    )
    recipe = SynthRecipe.model_validate(
        {"texts": {"sources": [{"strings": texts}]}, "lines": LINES, "profile": profile, "fonts": fonts}
    )
    made = map(recipe.build(Path()).generator.line, range(LINES))
    return encode_png(contact_sheet([SheetLine(line.image, "", line.fonts) for line in made], LAYOUT))


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or profile_names():
        write_bytes(PICTURES / f"{name}.png", draw(name), overwrite=True)
        print(PICTURES / f"{name}.png")

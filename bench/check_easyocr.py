"""Loads exported networks in EasyOCR itself and compares the texts.

    python bench/check_easyocr.py ENVIRONMENT

Makes the ENVIRONMENT at that path where there is none: EasyOCR without torchvision, of which it needs one
transform (`easyocr_reader.py` stands in for it), beside the torch and OpenCV that are installed here. Then
runs the test that needs it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

PACKAGES = [
    "easyocr==1.7.2", "scikit-image", "lazy_loader", "imageio", "tifffile", "networkx", "scipy",
    "python-bidi", "pyclipper", "shapely", "ninja",
]  # fmt: skip
"""EasyOCR and what it imports; without their own dependencies, which would bring torchvision."""

TEST = Path(__file__).parent.parent / "tests" / "convert" / "test_easyocr_itself.py"


def make_environment(folder: Path) -> Path:
    """Its Python, made if it is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=False)
        query = [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
        packages = Path(subprocess.check_output(query, text=True).strip())
        (packages / "shared.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
        subprocess.check_call([*pip, *PACKAGES])
    return python


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("environment", type=Path)
    python = make_environment(parser.parse_args().environment)
    environment = os.environ | {"OCRTUNE_EASYOCR_PYTHON": str(python)}
    return subprocess.call([sys.executable, "-m", "pytest", "-v", "-s", str(TEST)], env=environment)


if __name__ == "__main__":
    sys.exit(main())

"""What the image of the Dockerfile holds, in megabytes, and whether it serves as it would in a container.

    python bench/container.py [--folder DIR]

Needs no container engine: the Dockerfile's own line installs into DIR (a new folder otherwise), from what it
copies. Measured are the files there, the base's weights and the page detector included, Python itself not;
bar: 450 MB. Then the service runs from there as in compose.yaml, with a model mounted: read-only, as user
10001 without capabilities and with an empty /tmp. It must answer page and API, and after the mounted file was
replaced and the service restarted, read with the new one. That needs Linux and root; else it only measures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from serve import write_swapped_base

ROOT = Path(__file__).resolve().parents[1]
TARGET = "/packages"
"""Where the Dockerfile installs to."""
BAR_MB = 450
UNWANTED = ("torch", "onnx", "triton", "nvidia", "torchvision", "matplotlib", "pytest")
PORT = 5000

# The root of the file system becomes read-only here, for this process and its children alone.
_CONTAINED = """
set -e
mount --make-rprivate /
chmod 755 {work}
mkdir -p {work}/python {work}/packages {work}/models
mount --bind {python} {work}/python
mount --bind {packages} {work}/packages
mount --bind {models} {work}/models
mount --rbind {work} /mnt
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,bind,ro /
for inside in /mnt /mnt/python /mnt/packages /mnt/models; do mount -o remount,bind,ro $inside; done
cd /mnt/models
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    env -i PATH=/mnt/python/bin:/usr/bin:/bin LD_LIBRARY_PATH=/mnt/python/lib \
    PYTHONPATH=/mnt/packages PYTHONDONTWRITEBYTECODE=1 {command}
"""


def install(folder: Path) -> None:
    """Run the Dockerfile's line with `folder` as its target, in a copy of what it copies."""
    stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[1].replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in stage.splitlines() if re.match(r"(COPY|RUN) ", line)]
    with tempfile.TemporaryDirectory() as temporary:
        for word, rest in lines:
            if word == "COPY":
                *sources, target = rest.split()
                (Path(temporary) / target).mkdir(parents=True, exist_ok=True)
                for source in sources:
                    copy(ROOT / source, Path(temporary) / target)
            else:
                subprocess.run(
                    rest.replace(TARGET, shlex.quote(str(folder))),
                    shell=True, check=True, cwd=temporary, stdout=subprocess.DEVNULL,
                    env={
                        **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
                        "PATH": f"{base_python().parent}:{os.environ['PATH']}",
                    },
                )  # fmt: skip


def copy(source: Path, target: Path) -> None:
    """As COPY does: a folder's content, a file by its name."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def base_python() -> Path:
    """The interpreter that this environment was made from."""
    return Path(sys._base_executable).resolve()  # type: ignore[attr-defined]


def measure(folder: Path) -> dict[str, Any]:
    """Megabytes (10^6 bytes) of all files, and of the largest entries."""
    sizes: dict[str, int] = {}
    for file in folder.rglob("*"):
        if file.is_file():
            name = file.relative_to(folder).parts[0]
            sizes[name] = sizes.get(name, 0) + file.stat().st_size
    largest = sorted(sizes, key=lambda name: -sizes[name])[:10]
    bytecode = sum(file.stat().st_size for file in folder.rglob("*.pyc"))
    return {
        "mb": sum(sizes.values()) / 1e6,
        "bar_mb": BAR_MB,
        "bytecode_mb": bytecode / 1e6,
        "largest_mb": {name: round(sizes[name] / 1e6, 1) for name in largest},
        "unwanted": [name for name in UNWANTED if (folder / name).exists()],
    }


def entry() -> list[str]:
    """What the image runs, with the options of compose.yaml."""
    import yaml

    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    command = re.findall(r"^ENTRYPOINT (\[.*\])$", docker, re.MULTILINE)[-1]
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    given = compose["services"]["ocrtune"]["command"]
    return [part.replace("/models", "/mnt/models") for part in json.loads(command) + given]


def serve_once(packages: Path, models: Path) -> dict[str, Any]:
    """Start, ask for page, health and one line, stop."""
    import cv2
    import numpy as np

    with tempfile.TemporaryDirectory() as work:
        script = _CONTAINED.format(
            work=work, packages=packages, models=models, python=base_python().parents[1],
            command=shlex.join(entry()),
        )  # fmt: skip
        began = time.monotonic()
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script], stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stderr is not None
            told = [next(process.stderr, "")]
            while told[-1] and not told[-1].startswith("http://0.0.0.0:"):
                told.append(next(process.stderr, ""))
            if not told[-1]:
                sys.exit("".join(told))
            line = np.full((40, 260), 255, np.uint8)
            cv2.putText(line, "Total 12.50", (8, 29), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2, cv2.LINE_AA)
            body = cv2.imencode(".png", line)[1].tobytes()
            head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\n\r\n'
            answer = json.loads(
                ask("/api/ocr?mode=line", head + body + b"\r\n--x--\r\n", "multipart/form-data; boundary=x")
            )
            seconds = time.monotonic() - began
            page, health = ask("/"), json.loads(ask("/healthz"))
            own = Path(f"/proc/{process.pid}")
            status = dict(
                row.split(":\t", 1) for row in (own / "status").read_text().splitlines() if ":\t" in row
            )
            return {
                "warnings": told[:-1],
                "seconds_to_first_line": round(seconds, 2),
                "text": answer["text"][0]["text"],
                "model": answer["model"],
                "page_bytes": len(page),
                "health": health,
                "user": status["Uid"].split()[0],
                "capabilities": status["CapEff"],
                "root": next(
                    row.split()[5].split(",")[0]
                    for row in (own / "mountinfo").read_text().splitlines()
                    if row.split()[4] == "/"
                ),
            }
        finally:
            process.terminate()
            process.wait(60)


def ask(path: str, body: bytes | None = None, kind: str = "") -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", body, {"Content-Type": kind} if kind else {}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        return bytes(response.read())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="install here, or measure what an earlier run left here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary) / "packages").resolve()
        if not folder.exists():
            install(folder)
        figures: dict[str, Any] = measure(folder)
        print(json.dumps(figures, indent=1), flush=True)
        if sys.platform != "linux" or os.geteuid() != 0:
            print("not root on Linux: not served as in a container")
            return
        models = Path(temporary) / "models"
        models.mkdir()
        Path(temporary).chmod(0o755)
        served = models / "model.onnx"
        write_own_base(served, swapped=False)
        print("first", json.dumps(serve_once(folder, models), indent=1), flush=True)
        write_own_base(served, swapped=True)
        print("after the file was replaced", json.dumps(serve_once(folder, models), indent=1), flush=True)


def write_own_base(target: Path, *, swapped: bool) -> None:
    """The base as a file of ours, put in the place of `target` at once; swapped: letters' case exchanged."""
    staging = target.with_suffix(".new")
    write_swapped_base(staging, swap=swapped)
    staging.chmod(0o444)
    staging.replace(target)


if __name__ == "__main__":
    main()

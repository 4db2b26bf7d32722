"""`ocrtune export` from the outside: what each form prints, and what is refused."""

from __future__ import annotations

import re

import pytest

from ocrtune.cli import main
from ocrtune.convert import int8


@pytest.fixture
def run(capsys):
    """Runs `ocrtune ARGUMENTS`: exit code, stdout, stderr."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_fp16_states_both_sizes(run, reading_bundle, tmp_path):
    code, out, _ = run("export", reading_bundle(), "--to", "fp16", "-o", tmp_path / "m.onnx")
    assert code == 0
    assert re.search(r"m\.onnx: .* lines read the same, .*largest difference of a probability", out)
    assert re.search(r"^0\.\d MiB instead of 0\.\d MiB; as fast as before$", out, re.MULTILINE)


def test_int8_states_what_was_lost_and_won(run, reading_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(int8, "_time_both", lambda *_: ((2.0, 1.0), 2.0))
    monkeypatch.setattr(int8, "DRAWN", 8)
    monkeypatch.setattr(int8, "MOST_LOST", 1.0)
    code, out, err = run("export", reading_bundle(), "--to", "int8", "-o", tmp_path / "m.onnx")
    assert code == 0
    assert "drawn lines, which yours may not be like" in err
    assert re.search(
        r"CER 0\.00 -> \d+\.\d\d % on 4 lines, 2\.0 -> 1\.0 ms a line on one thread, 2\.00 x the", out
    )
    assert re.search(r"8 bits in \d layers, float in \d lighter or more sensitive ones", out)


def test_int8_that_does_not_pay_exits_with_1_and_force_writes_it(run, reading_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(int8, "_time_both", lambda *_: ((1.0, 2.0), 0.5))
    monkeypatch.setattr(int8, "DRAWN", 8)
    output = tmp_path / "m.onnx"
    code, out, err = run("export", reading_bundle(), "--to", "int8", "-o", output)
    assert (code, out) == (1, "")
    assert "it is not faster here" in err
    assert not output.exists()
    assert run("export", reading_bundle(), "--to", "int8", "-o", output, "--force")[0] == 0
    assert output.exists()


def test_rapidocr_and_easyocr_print_the_call_that_uses_them(run, reading_bundle, tmp_path):
    code, out, _ = run("export", reading_bundle(), "--to", "rapidocr", "-o", tmp_path / "m.onnx")
    assert code == 0
    assert out.splitlines()[-1] == (
        f"RapidOCR(params={{'Rec.model_path': '{tmp_path}/m.onnx', 'Rec.rec_img_shape': [3, 32, 320], "
        "'Rec.rec_batch_num': 1})"
    )
    code, out, _ = run("export", reading_bundle(), "--to", "easyocr", "-o", tmp_path / "my_receipts")
    assert code == 0
    assert out.splitlines()[-1].startswith('easyocr.Reader(["en"], recog_network="my_receipts", ')


def test_force_is_for_int8(run, tmp_path):
    code, out, err = run("export", "ppocrv6-small", "--to", "fp16", "--force", "-o", tmp_path / "m.onnx")
    assert (code, out) == (2, "")
    assert "--force means something with --to int8 only, not with --to fp16; leave it out" in err


@pytest.mark.parametrize("form", ["int8", "fp16", "rapidocr", "easyocr"])
def test_an_output_that_is_there_is_kept(run, tmp_path, form):
    (tmp_path / "mine").write_bytes(b"mine")
    code, _, err = run("export", "ppocrv6-small", "--to", form, "-o", tmp_path / "mine")
    assert (code, "exists already; choose another name or add --overwrite" in err) == (2, True)
    assert (tmp_path / "mine").read_bytes() == b"mine"


@pytest.mark.parametrize("form", ["int8", "fp16", "rapidocr", "easyocr"])
def test_an_onnx_file_alone_is_no_source(run, block_onnx, tmp_path, form):
    code, _, err = run("export", block_onnx, "--to", form, "-o", tmp_path / "new_one")
    assert (code, "is an ONNX file, whose weights torch cannot take over" in err) == (2, True)
    assert list(tmp_path.iterdir()) == []

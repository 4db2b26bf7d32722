"""Files that a stranger might send, each with the status it must get; the service answers after every one."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest

from ocrtune.serve.page_pictures import PICTURE_PX

PX = 40 * 10**6


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width, height, pixels, depth=8, colour=0):
    """A PNG that declares a size, whatever its pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zeros(count):
    """`count` zero bytes as zlib packs them, made without holding them."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(count >> 20)) + packer.flush()


def bmp_of(width, height, bits=24):
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, bits, 0, 0, 0, 0, 0, 0)


def gif_of(width, height):
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + b"," + bytes(10)


def jpeg_of(width, height):
    """A JPEG whose header says another size than its pixels have."""
    content = bytearray(encoded(PIL.Image.new("L", (16, 16), 200), "JPEG"))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def tiff_of(tags, *, big_endian=False, next_directory=0, pixels=b"\xff" * 64):
    order = ">" if big_endian else "<"
    entries = b"".join(
        struct.pack(order + "HHI", tag, 4, 1) + struct.pack(order + "I", value) for tag, value in tags
    )
    directory = struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", next_directory)
    start = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8)
    return start + directory + pixels


def plain_tiff(width, height, **options):
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 150), (277, 1), (278, height)]
    return tiff_of([*tags, (279, 64)], **options) + b"\xff" * 200


def endless_tiff(directories):
    """Very many small pages."""
    content = bytearray(b"II*\0" + struct.pack("<I", 8))
    for _ in range(directories):
        tags = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1)]
        content += struct.pack("<H", len(tags))
        content += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        content += struct.pack("<I", len(content) + 4)
    return bytes(content)


def webp_of(width, height):
    """A WebP whose canvas is `width` x `height`."""
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + struct.pack("<I", width - 1)[:3]
    canvas += struct.pack("<I", height - 1)[:3]
    picture = encoded(PIL.Image.new("RGB", (8, 8)), "WEBP")[12:]
    body = b"WEBP" + canvas + picture
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pdf_of(*objects, trailer=b"/Root 1 0 R"):
    content, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    content += b"trailer\n<</Size %d %s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)
    return bytes(content)


def pdf_page(box=b"0 0 200 100", stream=b"", count=1):
    kids = b"3 0 R " * count
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<>>>>" % box,
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    )


def encrypted_pdf():
    """Locked by a user password: the standard handler, with a hash that no password fits."""
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>",
        b"<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -44>>" % (b"41" * 32, b"42" * 32),
        trailer=b"/Root 1 0 R/Encrypt 4 0 R/ID[<00><00>]",
    )


def flate_bomb_pdf():
    stream = zeros(2**28)
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    )


def zip_of(content=b"x"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("image.png", content)
    return buffer.getvalue()


def noise(mode, size=(60, 20)):
    bands = len(PIL.Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], bands), np.uint8)
    return PIL.Image.frombytes(mode, size, pixels.tobytes())


WHOLE_PNG = encoded(noise("RGB"), "PNG")
WHOLE_JPEG = encoded(noise("RGB", (200, 60)), "JPEG")
WHOLE_TIFF = encoded(noise("RGB"), "TIFF")
WHOLE_WEBP = encoded(noise("RGB"), "WEBP", lossless=True)
WHOLE_GIF = encoded(noise("P"), "GIF")

# name: (content, status, error)
HOSTILE: dict[str, tuple[Callable[[], bytes], int, str | None]] = {
    # bombs: small files, large images
    "png 30000 x 30000": (lambda: png_of(30_000, 30_000, zeros(2**24)), 413, "image_too_large"),
    "png 2^31 x 2^31": (lambda: png_of(2**31 - 1, 2**31 - 1, zeros(2**20)), 413, "image_too_large"),
    "png 1 over the limit": (lambda: png_of(PX + 1, 1, b""), 413, "image_too_large"),
    "png at the limit, hardly any pixels": (lambda: png_of(8000, 5000, zeros(2**20)), 422, "broken_image"),
    "png more pixels than declared": (lambda: png_of(8, 8, zeros(2**28)), 200, None),
    "png text bomb": (
        lambda: WHOLE_PNG[:33] + chunk(b"zTXt", b"a\0\0" + zeros(2**28)) + WHOLE_PNG[33:],
        422, "broken_image",
    ),
    "png profile bomb": (
        lambda: WHOLE_PNG[:33] + chunk(b"iCCP", b"a\0\0" + zeros(2**28)) + WHOLE_PNG[33:],
        422, "broken_image",
    ),
    "jpeg 65535 x 65535": (lambda: jpeg_of(65_535, 65_535), 413, "image_too_large"),
    "bmp 100000 x 100000": (lambda: bmp_of(100_000, 100_000), 413, "image_too_large"),
    "gif 65535 x 65535": (lambda: gif_of(65_535, 65_535), 413, "image_too_large"),
    "tiff 2^32 x 2^32": (lambda: plain_tiff(2**32 - 1, 2**32 - 1), 413, "image_too_large"),
    "webp 16384 x 16384": (lambda: webp_of(16_383, 16_383), 413, "image_too_large"),
    "ppm 10^9 x 10^9": (lambda: b"P6 1000000000 1000000000 255\n", 413, "image_too_large"),
    "pdf stream bomb": (flate_bomb_pdf, 422, "broken_image"),
    # cut off
    "png cut in its header": (lambda: WHOLE_PNG[:20], 422, "broken_image"),
    "png cut in its pixels": (lambda: WHOLE_PNG[:-200], 422, "broken_image"),
    "jpeg cut in its header": (lambda: WHOLE_JPEG[:30], 422, "broken_image"),
    "jpeg cut in its pixels": (lambda: WHOLE_JPEG[:-200], 422, "broken_image"),
    "jpeg start only": (lambda: WHOLE_JPEG[:3], 422, "broken_image"),
    "tiff cut": (lambda: WHOLE_TIFF[:200], 422, "broken_image"),
    "webp cut": (lambda: WHOLE_WEBP[:100], 422, "broken_image"),
    "gif cut": (lambda: WHOLE_GIF[:30], 422, "broken_image"),
    "bmp without pixels": (lambda: bmp_of(100, 100), 422, "broken_image"),
    "ppm without pixels": (lambda: b"P6 100 100 255\n", 422, "broken_image"),
    "pdf cut": (lambda: pdf_page()[:60], 422, "broken_image"),
    # damaged
    "png checksum": (lambda: WHOLE_PNG[:60] + b"\0\0\0\0" + WHOLE_PNG[64:], 422, "broken_image"),
    "png 0 x 0": (lambda: png_of(0, 0, b""), 422, "broken_image"),
    "png without pixels": (lambda: png_of(10, 10, b""), 422, "broken_image"),
    "png unknown colours": (lambda: png_of(10, 10, zeros(2**20), colour=5), 422, "broken_image"),
    "jpeg noise after its header": (lambda: WHOLE_JPEG[:20] + bytes(range(256)) * 8, 422, "broken_image"),
    "jpeg of 0 px": (lambda: jpeg_of(0, 0), 422, "broken_image"),
    "webp noise": (lambda: WHOLE_WEBP[:20] + b"\xa5" * 500, 422, "broken_image"),
    "gif noise": (lambda: WHOLE_GIF[:13] + b"\xa5" * 500, 422, "broken_image"),
    "tiff loop": (lambda: plain_tiff(8, 8, next_directory=8), 200, None),
    "tiff no tags": (lambda: tiff_of([]), 422, "broken_image"),
    "tiff directory beyond the end": (lambda: b"II*\0\xff\xff\xff\x7f", 422, "broken_image"),
    "tiff strips beyond the end": (
        lambda: tiff_of(
            [(256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 2**31), (278, 8), (279, 64)]
        ),
        422, "broken_image",
    ),
    "tiff unknown compression": (
        lambda: tiff_of([(256, 8), (257, 8), (258, 8), (259, 9999), (262, 1), (273, 8), (278, 8), (279, 64)]),
        422, "broken_image",
    ),
    "endless tiff": (lambda: endless_tiff(100_000), 413, "too_many_pages"),
    "tiff of 21 pages": (lambda: endless_tiff(21), 413, "too_many_pages"),
    # no image at all
    "nothing": (lambda: b"", 422, "empty_image"),
    "one byte": (lambda: b"\0", 415, "unsupported_format"),
    "text": (lambda: b"TOTAL 12.50\n" * 100, 415, "unsupported_format"),
    "svg": (
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>0</script></svg>',
        415, "unsupported_format",
    ),
    "html": (lambda: b"<!doctype html><script>alert(1)</script>", 415, "unsupported_format"),
    "zip": (zip_of, 415, "unsupported_format"),
    "gzip": (lambda: b"\x1f\x8b\x08" + bytes(100), 415, "unsupported_format"),
    "program": (lambda: b"\x7fELF" + bytes(200), 415, "unsupported_format"),
    "pickle": (lambda: b"cposix\nsystem\n(S'true'\ntR.", 415, "unsupported_format"),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "unsupported_format"),
    "icon": (lambda: encoded(noise("RGBA", (16, 16)), "ICO"), 415, "unsupported_format"),
    "jpeg 2000": (lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100), 415, "unsupported_format"),
    "photoshop": (lambda: b"8BPS\0\x01" + bytes(200), 415, "unsupported_format"),
    "fits": (lambda: b"SIMPLE  =                    T" + b" " * 3000, 415, "unsupported_format"),
    "video": (lambda: b"\0\0\0\x18ftypmp42" + bytes(200), 415, "unsupported_format"),
    # two kinds in one
    "zip after a jpeg": (lambda: WHOLE_JPEG + zip_of(), 200, None),
    "jpeg in a zip": (lambda: zip_of(WHOLE_JPEG), 415, "unsupported_format"),
    "html after a gif": (lambda: WHOLE_GIF + b"<script>alert(1)</script>", 200, None),
    "pdf mark in text": (lambda: b"see %PDF-1.7 there", 422, "broken_image"),
    # odd colours and depths, all readable but the last
    **{
        f"{kind} {mode}": ((lambda mode=mode, kind=kind, o=o: encoded(noise(mode), kind, **o)), 200, None)
        for kind, mode, o in [
            ("PNG", "1", {}), ("PNG", "LA", {}), ("PNG", "P", {}), ("PNG", "RGBA", {}),
            ("JPEG", "CMYK", {}), ("JPEG", "YCbCr", {}), ("JPEG", "L", {"progressive": True}),
            ("TIFF", "CMYK", {}), ("TIFF", "LAB", {}), ("TIFF", "YCbCr", {}), ("TIFF", "RGBA", {}),
            ("GIF", "P", {}), ("WEBP", "RGBA", {}), ("BMP", "1", {}), ("PPM", "1", {}),
        ]
    },
    "png of 16 bits": (lambda: encoded(PIL.Image.new("I;16", (40, 20), 40_000), "PNG"), 200, None),
    "tiff of 32 bits": (lambda: encoded(PIL.Image.new("I", (40, 20), 400), "TIFF"), 200, None),
    "tiff of floats": (lambda: encoded(PIL.Image.new("F", (40, 20), 0.5), "TIFF"), 422, "broken_image"),
    # odd sizes
    "1 x 1": (lambda: encoded(PIL.Image.new("L", (1, 1)), "PNG"), 200, None),
    "20,000 px wide": (lambda: encoded(PIL.Image.new("RGB", (20_000, 40), "white"), "PNG"), 200, None),
    "1 px high": (lambda: encoded(PIL.Image.new("L", (5000, 1)), "PNG"), 200, None),
    "1 px wide": (lambda: encoded(PIL.Image.new("L", (1, 5000)), "PNG"), 200, None),
    # PDFs
    "pdf of 21 pages": (lambda: pdf_page(count=21), 413, "too_many_pages"),
    "pdf without pages": (lambda: pdf_page(count=0), 422, "broken_image"),
    "pdf with a password": (encrypted_pdf, 422, "encrypted_pdf"),
    "pdf page of 10^7 points": (lambda: pdf_page(b"0 0 10000000 10000000"), 200, None),
    "pdf page without a size": (lambda: pdf_page(b"0 0 0 0"), 200, None),
    "pdf of itself": (
        lambda: pdf_of(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[2 0 R]>>"),
        422, "broken_image",
    ),
    "pdf of nothing": (lambda: b"%PDF-1.7\n%%EOF", 422, "broken_image"),
}  # fmt: skip


def test_there_are_enough():
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_its_answer(client, line_png, name):
    make, status, code = HOSTILE[name]
    response = client.post("/api/ocr?mode=line", files={"image": (name, make())})
    answer = response.json()
    assert (response.status_code, answer.get("error")) == (status, code), answer
    if code is not None:
        assert answer["image"] == 0
        assert "/" not in answer["message"]
        assert "0x" not in answer["message"]
        assert "Traceback" not in answer["message"]
    after = client.post("/api/ocr?mode=line", files={"image": ("x", line_png("abc"))}).json()
    assert after["text"][0]["text"] == "abc"


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_picture_of_a_hostile_file_is_made_or_refused_alike(client, name):
    make, status, code = HOSTILE[name]
    response = client.post("/api/page-image", files={"image": (name, make())})
    assert response.status_code == status
    if code is None:
        with PIL.Image.open(io.BytesIO(response.content), formats=["JPEG"]) as picture:
            assert picture.width * picture.height <= PICTURE_PX
    else:
        answer = response.json()
        assert answer["error"] == code
        assert not re.search("/|0x|Traceback", answer["message"])

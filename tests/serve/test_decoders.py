"""The processes that decode: room, deadlines, and files that break them."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import PIL.Image
import pytest

from ocrtune.serve.decoder_process import without_names
from ocrtune.serve.decoders import Decoder, PixelRoom
from ocrtune.serve.errors import ApiError


def far():
    return time.monotonic() + 600


def tiff(*pages):
    buffer = io.BytesIO()
    first, *others = (PIL.Image.fromarray(page) for page in pages)
    first.save(buffer, "TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


PAGES = [np.full((5, 4 + number), 40 * number, np.uint8) for number in range(3)]


@pytest.fixture(scope="module")
def decoder():
    decoder = Decoder(PixelRoom(1000), 1000, 20)
    yield decoder
    decoder.close()


def test_pages_come_one_by_one_and_their_room_is_given_back(decoder):
    with decoder.pages(tiff(*PAGES), far()) as pages:
        for expected, page in zip(PAGES, pages, strict=True):
            assert np.array_equal(page, expected)
            assert decoder._room.taken == 30
    assert decoder._room.taken == 0


def test_who_leaves_early_does_not_disturb_the_next(decoder):
    for _ in range(2):
        with decoder.pages(tiff(*PAGES), far()) as pages:
            assert np.array_equal(next(pages), PAGES[0])
    process = decoder._process
    with decoder.pages(tiff(PAGES[2]), far()) as pages:
        assert np.array_equal(next(pages), PAGES[2])
    assert decoder._process is process


def test_a_page_is_given_without_those_before_it(decoder):
    decoder.start()
    process = decoder._process
    for first in range(3):
        with decoder.pages(tiff(*PAGES), far(), first) as pages:
            assert np.array_equal(next(pages), PAGES[first])
    with decoder.pages(tiff(*PAGES), far(), 3) as pages:
        assert list(pages) == []
    assert decoder._process is process


def test_who_fails_amid_a_document_leaves_a_decoder_that_works(decoder):
    def fail():
        with decoder.pages(tiff(*PAGES), far()) as pages:
            next(pages)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail()
    assert decoder._room.taken == 0
    with decoder.pages(tiff(PAGES[1]), far()) as pages:
        assert np.array_equal(next(pages), PAGES[1])


def test_a_process_that_dies_is_replaced(decoder):
    decoder.start()
    with decoder.pages(tiff(*PAGES), far()) as pages:
        next(pages)
        decoder._process.kill()
        with pytest.raises(ApiError, match="stops the decoder"):
            next(pages)
    with decoder.pages(tiff(*PAGES), far()) as pages:
        assert len(list(pages)) == 3


def test_an_image_over_the_limit_is_not_decoded(decoder):
    large = tiff(np.zeros((40, 26), np.uint8))
    with pytest.raises(ApiError) as refused, decoder.pages(large, far()):
        pass
    assert refused.value.to_json() == {
        "error": "image_too_large",
        "message": "it declares 26 x 40 px, 0 million; at most 0 million are read",
        "limit": 1000,
        "got": 1040,
        "unit": "px",
    }


def test_room_is_given_in_turn_and_waiting_ends_at_the_deadline():
    room = PixelRoom(10)
    room.take(7, far())
    order = []

    def take(px):
        room.take(px, far())
        order.append(px)

    large = threading.Thread(target=take, args=(99,))  # as much as there is
    large.start()
    while not room._waiting:
        large.join(0.001)
    with pytest.raises(ApiError, match="in time"):
        room.take(1, time.monotonic() + 0.01)  # there is room for it, but it is not its turn
    room.give_back(7)
    large.join(60)
    assert order == [99]
    assert room.taken == 10
    room.give_back(99)
    assert room.taken == 0


# what a library says, what is passed on
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("cannot identify image file <_io.BytesIO object at 0x7f00>", "cannot identify image file the file"),
        ("/usr/lib/python3/site-packages/x.so: no such file", "the file: no such file"),
        ("12 px/line at 3/4", "12 px/line at 3/4"),
        ("", "str"),
    ],
)
def test_messages_name_nothing_of_this_machine(said, told):
    assert without_names(said) == told

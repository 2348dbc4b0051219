"""From bytes to facts: every kind of file that is an image, and every kind that harms."""

from __future__ import annotations

import time

import pytest

from infra.images.backdrop import look_at_backdrop
from infra.images.measuring import Unusable, decoded
from infra.images.workers import Workers
from tests.images import files


@pytest.mark.parametrize(
    "image",
    [
        files.jpeg(),
        files.jpeg(progressive=True),
        files.cmyk_jpeg(),
        files.palette_png(),
        files.see_through_png(),
        files.sixteen_bit_png(),
        files.animated_webp(),
        files.gif(),
        files.saved(files.picture(), "WEBP", quality=80),
        files.saved(files.picture().convert("L"), "PNG"),
    ],
    ids=[
        "jpeg", "progressive", "cmyk", "palette", "see-through", "16 bits", "animated", "gif",
        "webp", "grey",
    ],
)  # fmt: skip
def test_every_usual_kind_of_file_is_opened_on_white(image: bytes) -> None:
    picture = decoded(image)
    assert (picture.mode, picture.size) == ("RGB", (600, 600))
    assert look_at_backdrop(picture).white == 1.0


def test_a_picture_is_turned_as_its_camera_says() -> None:
    assert decoded(files.turned_jpeg()).size == (600, 900)


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        (b"", "empty"),
        (files.SVG, "not_an_image"),
        (files.HTML, "not_an_image"),
        (files.jpeg()[:-900], "unreadable"),
        (files.palette_png()[:-30], "unreadable"),
        (files.gif()[:-3], "unreadable"),
        (files.animated_webp()[:-50], "unreadable"),
        (files.jpeg()[:24], "unreadable"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "unreadable"),
        (files.jpeg_with_zip(), "bytes_after_end: 41 bytes"),
        (files.gif_with_script(), "bytes_after_end: 29 bytes"),
        (files.gif_that_is_script(), "unreadable"),
        (files.png_of(8000, 8000), "too_many_pixels: 8000 × 8000"),
        (files.png_of(1, 1), "too_small: 1 × 1"),
        (files.png_of(299, 2000), "too_small: 299 × 2000"),
    ],
)
def test_a_file_at_fault_is_refused_with_its_reason(image: bytes, fault: str) -> None:
    with pytest.raises(Unusable, match=f"^{fault}$"):
        decoded(image)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = files.png_of(8000, 8000)
    assert len(bomb) < 10_000
    began_at = time.process_time()
    with pytest.raises(Unusable):
        decoded(bomb)
    assert time.process_time() - began_at < 0.1


def test_zeros_after_the_end_are_no_second_file() -> None:
    assert decoded(files.jpeg() + bytes(512)).size == (600, 600)


@pytest.mark.parametrize(
    ("colour", "score_max"), [("#f0f0f0", 0.0), ("#9fc5de", 0.0), ("#fffbe6", 0.0)]
)
def test_a_background_that_is_not_white_scores_low(colour: str, score_max: float) -> None:
    made = files.picture(colour=colour)
    assert look_at_backdrop(made).white <= score_max


def test_a_photograph_in_a_white_frame_is_not_on_white() -> None:
    framed = files.picture()
    framed.paste(files.picture(520, 520, colour="#7a6a50"), (40, 40))
    assert look_at_backdrop(framed).white <= 0.2


def test_words_are_read_and_the_facts_name_the_engine(workers: Workers) -> None:
    facts = workers.measure(files.jpeg()).facts
    assert facts is not None
    assert facts.is_text_read
    assert (facts.width, facts.height, facts.lines, facts.white_background) == (600, 600, (), 1.0)
    assert "rules 1, pillow" in facts.engine
    assert "rapidocr 3.10.0, onnxruntime" in facts.engine


@pytest.mark.parametrize("image", [files.gif_that_is_script(), files.png_of(8000, 8000), b"x"])
def test_a_hostile_file_is_unusable_and_the_process_goes_on(workers: Workers, image: bytes) -> None:
    assert workers.measure(image).status == "unusable"
    assert workers.measure(files.jpeg()).status == "inspected"

"""The generator of labelled pictures: the same seed gives the same set, and it says what lacks."""

from __future__ import annotations

import pytest

from tests.images import make_images
from tests.images.make_images import FontsMissing, missing_fonts, pictures

needs_fonts = pytest.mark.skipif(
    bool(missing_fonts()), reason=f"fonts are missing: {make_images.APT_LINE}"
)


@needs_fonts
@pytest.mark.parametrize("is_hard", [False, True])
def test_one_seed_gives_one_set(is_hard: bool) -> None:
    first = list(pictures(7, 6, is_hard=is_hard))
    assert first == list(pictures(7, 6, is_hard=is_hard))
    assert first != list(pictures(8, 6, is_hard=is_hard))


@needs_fonts
def test_the_truth_says_what_was_drawn() -> None:
    for truth, image in pictures(7, 12):
        assert image.startswith(b"\xff\xd8\xff")
        assert truth.has_mark == (truth.mark != "none") == (truth.mark_alpha > 0)
        assert truth.has_japanese == (truth.language == "ja")
        assert bool(truth.label) == (truth.language != "none")
        assert truth.brand in truth.title


def test_a_font_that_is_not_there_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(make_images, "font_files", dict)
    make_images.font_of.cache_clear()
    with pytest.raises(FontsMissing, match="apt-get install fonts-noto-cjk"):
        list(pictures(7, 1))
    make_images.font_of.cache_clear()

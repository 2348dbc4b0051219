"""The sandbox's pictures before the real inspector: clean ones pass, each flaw has its code."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import pytest

from domain.images import ImageThresholds
from domain.rules.findings import Check
from domain.rules.images import judge_image
from infra.images.workers import Workers
from infra.sandbox.goods import asin_of, kinds, product_of
from infra.sandbox.images import SIDE_PIXELS, ImageFlaw, image_of
from infra.sandbox.lettering import letters
from tests.images.test_measuring import decoded
from tests.sampling import EVERY

CODES = {"coloured_background": "E-410", "watermark": "E-411", "no_japanese_label": "E-412"}
FLAWED_EACH = max(1, 8 // EVERY)


def checks_of(workers: Workers, numbers: Sequence[int], flaw: ImageFlaw | None) -> list[Check]:
    def checked(number: int) -> Check:
        product = product_of(number)
        reading = workers.measure(image_of(product.asin, flaw))
        return judge_image(reading, product.title, product.brand, ImageThresholds())

    with ThreadPoolExecutor(3) as threads:
        return list(threads.map(checked, numbers))


SIXTY = range(0, 60, EVERY)


def test_sixty_products_pass(workers: Workers) -> None:
    failed = [
        (number, check.findings)
        for number, check in zip(SIXTY, checks_of(workers, SIXTY, None), strict=True)
        if check.verdict != "pass"
    ]
    assert failed == []


@pytest.mark.parametrize("flaw", get_args(ImageFlaw))
def test_each_flaw_fails_with_its_own_code(workers: Workers, flaw: ImageFlaw) -> None:
    checks = checks_of(workers, range(60, 60 + FLAWED_EACH), flaw)
    found = [(check.verdict, [finding.code for finding in check.findings]) for check in checks]
    assert found == [("fail", [CODES[flaw]])] * FLAWED_EACH


def test_a_picture_is_the_same_whenever_it_is_drawn() -> None:
    assert image_of(asin_of(7)) == image_of(asin_of(7))
    assert decoded(image_of(asin_of(7))).size == (SIDE_PIXELS, SIDE_PIXELS)


def test_products_of_one_sort_share_four_pictures() -> None:
    pictures: dict[str, set[bytes]] = {}
    for number in range(400):
        product = product_of(number)
        pictures.setdefault(product.product_type, set()).add(image_of(product.asin))
    sorts = {kind.product_type: 0 for kind in kinds()}
    for kind in kinds():
        sorts[kind.product_type] += 4
    assert all(len(drawn) <= sorts[sort] for sort, drawn in pictures.items())


def test_an_asin_that_the_catalogue_lacks_has_a_picture_too() -> None:
    assert image_of("B0ZZZZZZZZ").startswith(b"\x89PNG")


def test_every_letter_of_the_catalogue_can_be_drawn() -> None:
    wanted = {letter for number in range(2_000) for letter in product_of(number).title}
    assert wanted - {" "} <= set(letters())

"""A row of an upload ends even where its binding goes another way before its first listing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from domain import bindings, listing, sweeps, uploads
from domain.application import acting_for
from domain.asin_binding import decisions
from domain.ports import AmazonOffer
from domain.seller import Seller
from domain.stamps import Work
from domain.submission import Submission
from domain.values import binding_id_of
from infra.installation import Installation
from infra.sandbox.goods import product_of
from infra.sandbox.sample import HEADER, row_of
from infra.shops import LinkedShops
from tests.sellers import LinkedSeller


class Desk(NamedTuple):
    """One seller, her shops, and the work in hand."""

    installation: Installation
    shops: LinkedShops
    seller: LinkedSeller
    work: Work

    @property
    def owner(self) -> Seller:
        return self.installation.app.seller(self.seller.seller_id)

    def upload(self, numbers: Sequence[int], stock_threshold: int = 1) -> UUID:
        """Receive and check these rows; nothing is listed yet."""
        app, shops = self.installation.app, self.shops
        rows = [(*row_of(self.seller.name, number)[:3], stock_threshold) for number in numbers]
        lines = [HEADER, *rows]
        content = "\n".join(",".join(str(cell) for cell in line) for line in lines).encode()
        received = uploads.receive_file(app, self.owner, "a.csv", content, uuid4().hex, self.work)
        uploads.check_page(
            app, self.owner, shops.amazon(self.owner), shops.tree(self.owner),
            received.submission_id, range(1, len(numbers) + 1), self.work,
        )  # fmt: skip
        return received.submission_id

    def fates(self, submission_id: UUID) -> list[tuple[str, tuple[str, ...]]]:
        upload = self.submission(submission_id)
        return [(upload.fates[n].fate, upload.fates[n].codes) for n in sorted(upload.fates)]

    def submission(self, submission_id: UUID) -> Submission:
        found = self.installation.app.submission(submission_id)
        assert found is not None
        return found


@pytest.fixture
def desk(installation: Installation, seller: LinkedSeller, work: Work) -> Iterator[Desk]:
    shops = installation.shops(work.clock, Event(), 5.0)
    with acting_for(seller.seller_id):
        yield Desk(installation, shops, seller, work)
    shops.close()


def sound(count: int) -> list[int]:
    """Products of the catalogue that pass every check."""
    return [number for number in range(40) if product_of(number).flaw is None][:count]


def changed(desk: Desk, number: int, decide: bindings.Decide) -> None:
    binding_id = binding_id_of(desk.seller.seller_id, product_of(number).asin)
    bindings.change_binding(desk.installation.app, binding_id, None, decide, desk.work)


def test_a_row_whose_binding_is_withdrawn_before_it_is_listed_ends_as_withdrawn(
    desk: Desk,
) -> None:
    [number] = sound(1)
    upload = desk.upload([number])
    assert desk.fates(upload) == []
    command = decisions.Withdraw(stamp=desk.work.stamp())
    changed(desk, number, lambda it: decisions.withdraw(it, command))
    assert desk.fates(upload) == [("withdrawn", ())]
    assert desk.submission(upload).open_rows == []


def test_a_row_whose_binding_is_asked_for_again_by_hand_ends_as_superseded(desk: Desk) -> None:
    [number] = sound(1)
    upload = desk.upload([number])
    command = decisions.AskAgain(stamp=desk.work.stamp())
    changed(desk, number, lambda it: decisions.ask_again(it, command))
    assert desk.fates(upload) == [("superseded", ())]


def test_rows_sent_again_before_they_were_listed_end_as_superseded_together(desk: Desk) -> None:
    numbers = sound(3)
    first = desk.upload(numbers)
    desk.upload(numbers, stock_threshold=9)
    assert {fate for fate, _ in desk.fates(first)} == {"superseded"}
    assert len(desk.fates(first)) == 3


def test_a_row_whose_asin_is_suspended_before_it_is_listed_ends_as_suspended(desk: Desk) -> None:
    [number] = sound(1)
    upload = desk.upload([number])
    asin = product_of(number).asin
    offer = AmazonOffer(
        sku=f"SKU-{asin}", asin=asin, status="suspended", status_reason="LISTING_SUPPRESSED",
        observed_at=desk.work.clock(),
    )  # fmt: skip
    binding_id = binding_id_of(desk.seller.seller_id, asin)
    decide = sweeps.following(desk.owner, offer, desk.work)
    assert sweeps.record(desk.installation.app, binding_id, decide, desk.work)
    assert desk.fates(upload) == [("suspended", ("E-404",))]


def test_a_row_that_was_listed_keeps_its_fate_when_the_binding_is_withdrawn(desk: Desk) -> None:
    [number] = sound(1)
    upload = desk.upload([number])
    binding_id = binding_id_of(desk.seller.seller_id, product_of(number).asin)
    outcome = listing.perform_effect(
        desk.installation.app, desk.owner, desk.shops.amazon(desk.owner),
        desk.shops.mercari(desk.owner), binding_id, desk.work,
    )  # fmt: skip
    assert outcome.effect == "list"
    command = decisions.Withdraw(stamp=desk.work.stamp())
    changed(desk, number, lambda it: decisions.withdraw(it, command))
    assert desk.fates(upload) == [("listed", ())]

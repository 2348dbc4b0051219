"""A row of an upload ends even where its binding goes another way before its first listing."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from domain import bindings, listing, sweep_run
from domain.asin_binding import decisions, judging
from domain.following import offer_to_follow
from domain.ports import AmazonOffer
from domain.rules.proofs import Proof
from domain.stamps import Work
from domain.values import binding_id_of
from infra.sandbox.goods import product_of
from tests.infra.upload_desk import UploadDesk


def sound(count: int) -> list[int]:
    """Products of the catalogue that pass every check."""
    return [number for number in range(40) if product_of(number).flaw is None][:count]


def changed(upload_desk: UploadDesk, number: int, decide: bindings.Decide) -> None:
    binding_id = binding_id_of(upload_desk.seller.seller_id, product_of(number).asin)
    bindings.change_binding(
        upload_desk.installation.app, binding_id, None, decide, upload_desk.work
    )


def test_a_row_whose_binding_is_withdrawn_before_it_is_listed_ends_as_withdrawn(
    upload_desk: UploadDesk,
) -> None:
    [number] = sound(1)
    upload = upload_desk.upload([number])
    assert upload_desk.fates(upload) == []
    command = decisions.Withdraw(stamp=upload_desk.work.stamp())
    changed(upload_desk, number, lambda it: decisions.withdraw(it, command))
    assert upload_desk.fates(upload) == [("withdrawn", ())]
    assert upload_desk.submission(upload).open_rows == []


def test_a_row_whose_binding_is_asked_for_again_by_hand_ends_as_superseded(
    upload_desk: UploadDesk,
) -> None:
    [number] = sound(1)
    upload = upload_desk.upload([number])
    command = decisions.AskAgain(stamp=upload_desk.work.stamp())
    changed(upload_desk, number, lambda it: decisions.ask_again(it, command))
    assert upload_desk.fates(upload) == [("superseded", ())]


def test_rows_sent_again_before_they_were_listed_end_as_superseded_together(
    upload_desk: UploadDesk,
) -> None:
    numbers = sound(3)
    first = upload_desk.upload(numbers)
    upload_desk.upload(numbers, stock_threshold=9)
    assert {fate for fate, _ in upload_desk.fates(first)} == {"superseded"}
    assert len(upload_desk.fates(first)) == 3


def test_a_row_whose_asin_is_suspended_before_it_is_listed_ends_as_suspended(
    upload_desk: UploadDesk,
) -> None:
    [number] = sound(1)
    upload = upload_desk.upload([number])
    asin = product_of(number).asin
    offer = AmazonOffer(
        sku=f"SKU-{asin}", asin=asin, status="suspended", status_reason="LISTING_SUPPRESSED",
        observed_at=upload_desk.work.clock(),
    )  # fmt: skip
    binding_id = binding_id_of(upload_desk.seller.seller_id, asin)
    command = offer_to_follow(upload_desk.owner, offer, upload_desk.work, may_return=False)
    assert sweep_run.record(
        upload_desk.installation.app, binding_id,
        lambda it: decisions.follow_offer(it, command), upload_desk.work,
    )  # fmt: skip
    assert upload_desk.fates(upload) == [("suspended", ("E-404",))]


def test_a_row_that_was_listed_keeps_its_fate_when_the_binding_is_withdrawn(
    upload_desk: UploadDesk,
) -> None:
    [number] = sound(1)
    upload = upload_desk.upload([number])
    binding_id = binding_id_of(upload_desk.seller.seller_id, product_of(number).asin)
    owner, shops = upload_desk.owner, upload_desk.shops
    outcome = listing.perform_effect(
        upload_desk.installation.app, owner, shops.amazon(owner), shops.mercari(owner), binding_id,
        upload_desk.work,
    )  # fmt: skip
    assert outcome.effect == "list"
    command = decisions.Withdraw(stamp=upload_desk.work.stamp())
    changed(upload_desk, number, lambda it: decisions.withdraw(it, command))
    assert upload_desk.fates(upload) == [("listed", ())]


def test_a_rejected_row_keeps_everything_that_was_found_wrong_with_it(
    upload_desk: UploadDesk,
) -> None:
    number = next(n for n in range(500) if product_of(n).flaw == "wrong_category")
    upload = upload_desk.upload([number])
    [row] = upload_desk.submission(upload).fates.values()
    assert (row.fate, row.codes) == ("rejected", ("E-403",))
    assert [found.code for found in row.findings] == ["E-403"]
    assert "100 %" in row.findings[0].values["alternatives"]


def test_evidence_filed_while_a_check_runs_does_not_lose_the_check(
    upload_desk: UploadDesk,
) -> None:
    number = next(n for n in range(500) if product_of(n).flaw == "wrong_category")
    upload_desk.upload([number])
    again = decisions.AskAgain(stamp=upload_desk.work.stamp())
    changed(upload_desk, number, lambda it: decisions.ask_again(it, again))
    filed: list[Proof] = []

    def clock_of_a_busy_minute() -> datetime:
        if not filed:
            filed.append(Proof(kind="brand", number="6123456"))
            command = judging.AddProof(stamp=upload_desk.work.stamp(), proof=filed[0])
            changed(upload_desk, number, lambda it: judging.add_proof(it, command))
        return datetime.now(UTC)

    app, owner = upload_desk.installation.app, upload_desk.owner
    binding_id = binding_id_of(owner.seller_id, product_of(number).asin)
    sources = upload_desk.shops.sources(owner)
    work = Work(clock_of_a_busy_minute, "test", uuid4())
    assert bindings.check_again(app, owner, sources, binding_id, work)
    binding = app.binding(binding_id)
    assert binding is not None
    assert (binding.status, binding.proofs) == ("rejected", tuple(filed))

"""What any implementation of the port `Amazon` must do. Subclass it with a fixture `amazon`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from domain.ports import Amazon, AmazonOffer, UpstreamRefused


@dataclass(frozen=True)
class AmazonWorld:
    """An implementation, and what is true in the world it speaks of.

    `twin_asin` has an FBA and a seller-fulfilled SKU; `odd_sku` holds a space and a slash.
    """

    port: Amazon
    active: AmazonOffer
    browse_path: tuple[str, ...]
    fba_quantities: dict[str, int]
    twin_asin: str
    odd_sku: str
    suspended_sku: str
    closed_sku: str
    out_of_stock_sku: str
    missing_sku: str
    missing_asin: str


class AmazonContract:
    def test_an_offer_is_told_whole(self, amazon: AmazonWorld) -> None:
        found = amazon.port.read_offer(amazon.active.sku)
        assert found.model_copy(update={"observed_at": amazon.active.observed_at}) == amazon.active

    def test_a_batch_tells_the_same_as_a_single_read(self, amazon: AmazonWorld) -> None:
        skus = [amazon.active.sku, amazon.odd_sku, amazon.suspended_sku, amazon.closed_sku]
        in_batch = {offer.sku: offer for offer in amazon.port.read_offers(skus)}
        assert set(in_batch) == set(skus)
        for sku in skus:
            alone = amazon.port.read_offer(sku)
            assert in_batch[sku].model_copy(update={"observed_at": alone.observed_at}) == alone

    def test_an_asin_with_two_skus_gives_two_offers(self, amazon: AmazonWorld) -> None:
        offers = amazon.port.read_offers_by_asin([amazon.twin_asin, amazon.active.asin])
        twins = [offer for offer in offers if offer.asin == amazon.twin_asin]
        assert {offer.channel for offer in twins} == {"fba", "seller"}
        assert {offer.asin for offer in offers} == {amazon.twin_asin, amazon.active.asin}

    @pytest.mark.parametrize(
        ("which", "status", "reason"),
        [
            ("suspended_sku", "suspended", "LISTING_SUPPRESSED"),
            ("closed_sku", "inactive", "error_issue"),
            ("out_of_stock_sku", "inactive", "stock_zero"),
            ("missing_sku", "deleted", "not_found"),
        ],
    )
    def test_a_status_has_its_reason(
        self, which: str, status: str, reason: str, amazon: AmazonWorld
    ) -> None:
        offer = amazon.port.read_offer(getattr(amazon, which))
        assert (offer.status, offer.status_reason) == (status, reason)

    def test_a_sku_missing_from_a_batch_is_absent_not_deleted(self, amazon: AmazonWorld) -> None:
        offers = amazon.port.read_offers([amazon.missing_sku, amazon.active.sku])
        assert [offer.sku for offer in offers] == [amazon.active.sku]

    def test_what_cannot_be_bought_is_told_at_once(self, amazon: AmazonWorld) -> None:
        offers = amazon.port.read_not_buyable()
        assert offers is not None
        found = {offer.sku: offer for offer in offers}
        assert len(found) == len(offers)
        assert all(offer.status in ("inactive", "suspended") for offer in offers)
        assert not {amazon.active.sku, amazon.missing_sku} & set(found)
        for sku in (amazon.suspended_sku, amazon.closed_sku, amazon.out_of_stock_sku):
            alone = amazon.port.read_offer(sku)
            assert found[sku].model_copy(update={"observed_at": alone.observed_at}) == alone

    def test_fba_stock_is_told_for_fba_skus_only(self, amazon: AmazonWorld) -> None:
        asked = [*amazon.fba_quantities, amazon.out_of_stock_sku, amazon.missing_sku]
        assert amazon.port.read_fba_quantities(asked) == amazon.fba_quantities

    def test_the_report_of_all_listings_tells_each_of_them(self, amazon: AmazonWorld) -> None:
        listings = amazon.port.read_listings_report(amazon.port.request_listings_report())
        assert listings is not None
        reported = {listing.sku: listing for listing in listings}
        assert len(reported) == len(listings)
        active = reported[amazon.active.sku]
        for field in ("asin", "price_jpy", "quantity", "channel"):
            assert getattr(active, field) == getattr(amazon.active, field)
        assert active.status == "active"
        fba = next(iter(amazon.fba_quantities))
        assert (reported[fba].channel, reported[fba].quantity) == ("fba", None)
        for sku in (amazon.suspended_sku, amazon.closed_sku, amazon.out_of_stock_sku):
            assert reported[sku].status == "inactive"
        assert amazon.odd_sku in reported
        assert amazon.missing_sku not in reported

    def test_a_report_nobody_asked_for_is_refused(self, amazon: AmazonWorld) -> None:
        with pytest.raises(UpstreamRefused):
            amazon.port.read_listings_report("49999999999")

    def test_a_catalogue_entry_has_its_path_from_department_to_leaf(
        self, amazon: AmazonWorld
    ) -> None:
        [item] = amazon.port.read_catalogue([amazon.active.asin, amazon.missing_asin])
        assert item.asin == amazon.active.asin
        assert item.browse_path == amazon.browse_path
        assert item.title == amazon.active.title
        assert item.image_url == amazon.active.image_url
        assert item.product_type == amazon.active.product_type

    def test_nothing_asked_is_nothing_found(self, amazon: AmazonWorld) -> None:
        assert amazon.port.read_offers([]) == []
        assert amazon.port.read_offers_by_asin([]) == []
        assert amazon.port.read_fba_quantities([]) == {}
        assert amazon.port.read_catalogue([]) == []
        assert list(amazon.port.read_offers_in_batches([])) == []
        assert list(amazon.port.read_fba_in_batches([])) == []
        assert list(amazon.port.read_catalogue_in_batches([])) == []

    def test_batches_tell_the_same_as_lists(self, amazon: AmazonWorld) -> None:
        skus = [*amazon.fba_quantities, amazon.active.sku, amazon.odd_sku, amazon.missing_sku]
        offers = list(amazon.port.read_offers_in_batches(skus))
        assert [sku for batch in offers for sku in batch.skus] == skus
        assert {offer.sku for batch in offers for offer in batch.offers} == {
            offer.sku for offer in amazon.port.read_offers(skus)
        }
        [stock] = amazon.port.read_fba_in_batches(skus)
        assert stock.quantities == amazon.port.read_fba_quantities(skus)
        [entries] = amazon.port.read_catalogue_in_batches([amazon.active.asin])
        assert [item.asin for item in entries.items] == [amazon.active.asin]
        assert {batch.error for batch in (*offers, stock, entries)} == {None}

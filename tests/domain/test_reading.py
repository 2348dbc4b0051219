"""Reading products: which SKU, whose stock, and absent is never zero."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.product import certificates_in, chosen_offer, product_of
from domain.reading import in_batches, stocked
from tests.examples import ASIN, NOW, an_offer


@given(items=st.lists(st.integers()), size=st.integers(1, 9))
def test_whatever_is_read_in_batches_nothing_is_lost_or_read_twice(
    items: list[int], size: int
) -> None:
    batches = list(in_batches(items, size))
    assert [item for batch in batches for item in batch] == items
    assert len(batches) == -(-len(items) // size)
    assert all(1 <= len(batch) <= size for batch in batches)


def test_of_several_skus_fba_goes_first_then_the_lowest_price() -> None:
    offers = [
        an_offer(sku="a", channel="seller", price_jpy=1),
        an_offer(sku="b", price_jpy=None),
        an_offer(sku="c", price_jpy=20),
        an_offer(sku="d", price_jpy=10),
    ]
    for order in (offers, offers[::-1]):
        chosen = chosen_offer(order)
        assert chosen is not None
        assert chosen.sku == "d"


def test_no_offer_at_all_reads_as_inactive_and_without_a_price() -> None:
    product = product_of(ASIN, [], None, NOW)
    assert (product.status, product.status_reason) == ("inactive", "no_offer")
    assert (product.price_jpy, product.quantity, product.certificates) == (None, None, None)


def test_fba_stock_not_given_is_unknown_and_never_zero() -> None:
    buyable = stocked(an_offer(quantity=None), None)
    assert (buyable.status, buyable.quantity) == ("active", None)
    offer = an_offer(status="inactive", status_reason="not_buyable", quantity=None)
    assert stocked(offer, None).status == "unknown"
    assert stocked(offer, 0).status_reason == "stock_zero"
    assert stocked(offer, 5).status_reason == "not_buyable"


def test_a_certificate_attribute_that_is_absent_is_not_an_empty_one() -> None:
    name = "regulatory_compliance_certification"
    assert certificates_in({}) is None
    assert certificates_in({name: []}) == ()
    (held,) = certificates_in({name: [{"regulation_type": "pse_circle", "value": "7"}]}) or ()
    assert (held.kind, held.number) == ("pse_circle", "7")

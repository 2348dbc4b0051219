"""What any implementation of the port `Mercari` must do. Subclass it with a fixture `mercari`."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

import pytest

from domain.ports import ListingChange, ListingDraft, Mercari, MercariListing, UpstreamRefused


@dataclass(frozen=True)
class MercariWorld:
    """An implementation for a shop that is open."""

    port: Mercari


def draft_for(mercari: MercariWorld, **fields: object) -> ListingDraft:
    """A draft under a SKU code that was never used, in the first leaf of the shop's tree."""
    leaf = next(node for node in mercari.port.read_categories() if node.is_leaf)
    content = {
        "sku_code": f"B0TESTTEST-{uuid4().hex[:12]}",
        "title": "腕時計",
        "description": "腕時計\n初期不良保証期間:7日",
        "price_jpy": 3980,
        "category_id": leaf.category_id,
        "image_urls": ("https://example.com/1.jpg",),
        "stock": 3,
        **fields,
    }
    return ListingDraft.model_validate(content)


def unobserved(listing: MercariListing | None) -> MercariListing | None:
    """The listing without the moment it was seen."""
    return listing and listing.model_copy(update={"observed_at": None})


class MercariContract:
    def test_every_category_stands_under_its_parent(self, mercari: MercariWorld) -> None:
        categories = mercari.port.read_categories()
        paths = {category.path for category in categories}
        assert len(paths) == len(categories) == len({one.category_id for one in categories})
        assert all(len(path) == 1 or path[:-1] in paths for path in paths)
        parents = {path[:-1] for path in paths}
        assert all(one.is_leaf == (one.path not in parents) for one in categories)

    def test_an_unknown_sku_code_is_not_found(self, mercari: MercariWorld) -> None:
        assert mercari.port.find_listing("B0NOWHERE0-000000000000") is None

    def test_a_new_listing_is_closed_and_found_by_its_sku_code(self, mercari: MercariWorld) -> None:
        draft = draft_for(mercari)
        created = mercari.port.create_listing(draft)
        assert not created.is_on_sale
        assert (created.sku_code, created.title, created.price_jpy, created.stock) == (
            draft.sku_code,
            draft.title,
            draft.price_jpy,
            draft.stock,
        )
        assert created.category_id == draft.category_id
        assert created.image_urls == draft.image_urls
        assert created.description_sha256 == sha256(draft.description.encode()).hexdigest()
        assert unobserved(mercari.port.find_listing(draft.sku_code)) == unobserved(created)

    def test_a_sku_code_is_used_once(self, mercari: MercariWorld) -> None:
        draft = draft_for(mercari)
        mercari.port.create_listing(draft)
        with pytest.raises(UpstreamRefused):
            mercari.port.create_listing(draft)

    def test_only_the_fields_given_change(self, mercari: MercariWorld) -> None:
        created = mercari.port.create_listing(draft_for(mercari))
        opened = mercari.port.change_listing(created.listing_id, ListingChange(is_on_sale=True))
        assert unobserved(opened) == unobserved(created.model_copy(update={"is_on_sale": True}))
        priced = mercari.port.change_listing(created.listing_id, ListingChange(price_jpy=4100))
        assert unobserved(priced) == unobserved(opened.model_copy(update={"price_jpy": 4100}))
        closed = mercari.port.change_listing(created.listing_id, ListingChange(is_on_sale=False))
        assert unobserved(closed) == unobserved(priced.model_copy(update={"is_on_sale": False}))

    @pytest.mark.parametrize("quantity", [0, 41])
    def test_stock_is_set_to_an_absolute_number(self, quantity: int, mercari: MercariWorld) -> None:
        created = mercari.port.create_listing(draft_for(mercari))
        mercari.port.set_stock(created.sku_code, quantity)
        found = mercari.port.find_listing(created.sku_code)
        assert found is not None
        assert found.stock == quantity

    def test_stock_of_an_unknown_sku_code_is_refused(self, mercari: MercariWorld) -> None:
        with pytest.raises(UpstreamRefused):
            mercari.port.set_stock("B0NOWHERE0-000000000000", 1)

    def test_stocks_of_many_are_set_at_once(self, mercari: MercariWorld) -> None:
        codes = [mercari.port.create_listing(draft_for(mercari)).sku_code for _ in range(2)]
        asked = {codes[0]: 0, codes[1]: 17}
        assert mercari.port.set_stocks(asked) == asked
        for sku_code, quantity in asked.items():
            found = mercari.port.find_listing(sku_code)
            assert found is not None
            assert found.stock == quantity

    def test_every_listing_is_on_one_page(self, mercari: MercariWorld) -> None:
        created = mercari.port.create_listing(draft_for(mercari))
        listings, after = [], None
        while True:
            page = mercari.port.read_listings(after)
            listings += page.listings
            if page.next is None:
                break
            after = page.next
        codes = [listing.sku_code for listing in listings]
        assert len(set(codes)) == len(codes)
        found = next(each for each in listings if each.sku_code == created.sku_code)
        assert unobserved(found) == unobserved(created)

    def test_a_price_below_the_limit_is_refused(self, mercari: MercariWorld) -> None:
        with pytest.raises(UpstreamRefused):
            mercari.port.create_listing(draft_for(mercari, price_jpy=299))

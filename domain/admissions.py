"""Use cases of an admission: apply, file what is asked for, review."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from domain import admission, seller
from domain.admission import AdmissionFact, ListedAsin, Standing
from domain.application import AsinSync, Change, acting_for
from domain.errors import FileRefused
from domain.sellers import change_seller
from domain.stamps import Work
from domain.upload_file import read_sheet
from domain.values import seller_id_of

Decide = Callable[[Standing], Sequence[AdmissionFact]]


def apply_as_seller(
    app: AsinSync, amazon_seller_id: str, shop_name: str, command: admission.Apply, work: Work
) -> UUID:
    """Register the account and record its application, both or neither.

    Raises EntityNotEligible, ApplicationRefused, SellerExists.
    """
    applied = admission.apply(admission.Admission(), command)
    seller_id = seller_id_of(amazon_seller_id)
    register = seller.Register(
        stamp=work.stamp(), amazon_seller_id=amazon_seller_id, shop_name=shop_name
    )
    with acting_for(seller_id):
        known = app.seller(seller_id)
        facts = [*seller.register(known, register), *applied]
        app.record(Change(seller_id, known.version, facts))
    return seller_id


def change_admission(app: AsinSync, seller_id: UUID, decide: Decide) -> int | None:
    """Decide on the admission as it stands. Raises NotFound and the refusals."""

    def decide_on(known: seller.Seller) -> Sequence[AdmissionFact]:
        seller.ensure_active(known)
        return decide(known.standing)

    return change_seller(app, seller_id, decide_on)


def asins_of(content: bytes) -> tuple[ListedAsin, ...]:
    """The ASIN list in a CSV with the columns of an upload. Raises FileRefused with every fault."""
    sheet = read_sheet(content)
    faults = [*sheet.faults, *(row.fault for row in sheet.rows if row.fault)]
    if faults:
        raise FileRefused([(fault.key, fault.values) for fault in faults])
    return tuple(
        ListedAsin(
            asin=row.asin,
            mercari_category_id=row.terms.mercari_category_id,
            suggested_price_jpy=row.terms.suggested_price_jpy,
        )
        for row in sheet.rows
        if row.terms
    )

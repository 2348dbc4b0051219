"""Use cases of one binding: dry runs, re-map, re-submit, withdraw, and the check that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.application import AsinSync, Change, current_seller, until_settled
from domain.arbitrage import ensure_not_terminated
from domain.asin_binding import AsinBinding, BindingFact, judging
from domain.asin_binding.facts import CheckPostponed
from domain.checking import image_of, setting_of, with_images
from domain.errors import NotFound, VersionConflict
from domain.images import ImageReading
from domain.policy import policy_of
from domain.ports import Sources
from domain.product import Product
from domain.reading import read_products
from domain.rules.precheck import Judgement, Terms, Tree, judge
from domain.seller import Seller
from domain.stamps import Work, event_id_of
from domain.uploads import changes_of

Decide = Callable[[AsinBinding], list[BindingFact]]


class DryRun(NamedTuple):
    """A judgement that nothing was decided by, and what it stood on."""

    judgement: Judgement
    product: Product
    image: ImageReading
    policy: str
    tree: Tree


def dry_runs(
    seller: Seller, sources: Sources, asins: Sequence[str], category_id: str | None, work: Work
) -> dict[str, DryRun]:
    """Judge ASINs without binding them; those without a complete answer of Amazon are left out.

    Raises UpstreamError.
    """
    products = list(read_products(sources.amazon, asins, work.clock()).products.values())
    terms = Terms(mercari_category_id=category_id) if category_id else None
    setting, policy = setting_of(None, seller, sources, work), policy_of()
    found: dict[str, DryRun] = {}
    for group in with_images(sources.images, products, work):
        for product, image in group:
            around = setting.for_product(product, image, work.clock())
            judgement = judge(policy, product, terms, around, setting.tree)
            found[product.asin] = DryRun(judgement, product, image, policy.version, setting.tree)
    return found


def change_binding(
    app: AsinSync, binding_id: UUID, expected_version: int | None, decide: Decide, work: Work
) -> tuple[AsinBinding, int | None]:
    """Decide on the binding as it stands and record it; return it as it was, and the position.

    Raises NotFound, VersionConflict when it is not at the version the caller saw, SellerTerminated,
    and whatever refusal the decision gives.
    """
    ensure_not_terminated(app.seller(current_seller()).arbitrage)
    binding = app.binding(binding_id)
    if binding is None:
        raise NotFound("no such binding")
    if expected_version is not None and expected_version != binding.version:
        detail = f"the binding is at version {binding.version}, not {expected_version}"
        raise VersionConflict(
            detail, version=binding.version, rules={"If-Match": "version_moved_on"}
        )
    return binding, app.record(*changes_of(app, binding, decide(binding), work))


def postpone_check(
    app: AsinSync,
    binding_id: UUID,
    error: tuple[str, str],
    attempt: int,
    retry_at: datetime | None,
    work: Work,
) -> None:
    """Say that the check had no usable answer, why, and when it is tried again, if it is."""

    def decide() -> int | None:
        binding = app.binding(binding_id)
        if binding is None or binding.status != "requested":
            return None
        code, detail = error
        fact = CheckPostponed(
            stamp=work.stamp(), code=code, detail=detail, attempt=attempt, retry_at=retry_at
        )
        return app.record(Change(binding_id, binding.version, [fact]))

    until_settled(decide)


def check_again(
    app: AsinSync, seller: Seller, sources: Sources, binding_id: UUID, work: Work
) -> bool:
    """Check a binding that was asked for again; False while Amazon's answer is UNKNOWN."""
    binding = app.binding(binding_id)
    if binding is None or binding.status != "requested":
        return True
    product = read_products(sources.amazon, [binding.asin], work.clock()).products.get(binding.asin)
    if product is None:
        return False
    setting = setting_of(app, seller, sources, work)
    image = image_of(sources.images, product)
    around = setting.for_product(product, image, work.clock())

    def decide() -> bool:
        asked = app.binding(binding_id)
        if asked is None or asked.status != "requested":
            return True
        cause = event_id_of(binding_id, asked.version)
        command = judging.CheckBinding(
            stamp=Work(work.clock, work.actor, work.correlation_id, cause).stamp(),
            product=product, around=around, tree=setting.tree,
        )  # fmt: skip
        facts = judging.check(asked, command)
        app.record(*changes_of(app, asked, facts, work))
        return bool(facts) or asked.is_in_review

    return until_settled(decide)

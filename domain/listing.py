"""Use case: make Mercari show what was decided about one binding, exactly once.

Look up by SKU, create closed where absent, look up again even after an error, open. Every step can
be run again after a crash; the aggregate's version fences off a worker that comes back late.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from domain.application import AsinSync, Change
from domain.asin_binding import AsinBinding, Effect, decisions, effect_due
from domain.asin_binding.state import draft_of
from domain.policy import policy_of
from domain.ports import (
    Amazon,
    ListingChange,
    Mercari,
    MercariListing,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from domain.rules.warranty import listing_title
from domain.seller import Seller
from domain.stamps import Work, event_id_of
from domain.uploads import Ending, changes_of, settling_row
from domain.values import Value

RETRY_DELAY_SECONDS_MAX = 600
REFUSED_DELAY_SECONDS = 3600


class EffectOutcome(Value):
    """What came of one effect; `error` when nothing on Mercari may be believed changed."""

    effect: Effect | None
    position: int | None = None
    error_code: str | None = None
    retry_at: datetime | None = None


def perform_effect(
    app: AsinSync,
    seller: Seller,
    amazon: Amazon,
    mercari: Mercari,
    binding_id: UUID,
    work: Work,
) -> EffectOutcome:
    """Do what is due for this binding and record it. Raises VersionConflict: somebody else did."""
    binding = app.binding(binding_id)
    effect = effect_due(binding) if binding else None
    if binding is None or effect is None or is_waiting(binding, work.clock()):
        return EffectOutcome(effect=None)
    work = caused_by(work, binding)
    try:
        if is_stale(binding, work.clock()) and effect != "take_down":
            refreshed = refresh(app, seller, amazon, binding, work)
            if refreshed is not None:
                return EffectOutcome(effect=effect, position=refreshed)
        shown = show(seller, mercari, binding, effect)
    except UpstreamError as error:
        return record_failure(app, binding, effect, error, work)
    return record_shown(app, binding, effect, shown, work)


def is_waiting(binding: AsinBinding, now: datetime) -> bool:
    """The last attempt failed and its wait is not over; the view may not say so yet."""
    return binding.retry_at is not None and binding.retry_at > now


def caused_by(work: Work, binding: AsinBinding) -> Work:
    """The effect is caused by the binding's latest fact."""
    cause = event_id_of(binding.binding_id, binding.version)
    return Work(work.clock, work.actor, work.correlation_id, cause)


def is_stale(binding: AsinBinding, now: datetime) -> bool:
    """The reading that the decision stands on is older than the policy allows to act on."""
    limit = timedelta(seconds=policy_of().stale_reading_seconds_max)
    return binding.observed_at is None or now - binding.observed_at > limit


def refresh(
    app: AsinSync, seller: Seller, amazon: Amazon, binding: AsinBinding, work: Work
) -> int | None:
    """Read the offer again; the position of what that changed, or None when the decision holds."""
    if binding.sku is None:
        return None
    command = decisions.FollowOffer(
        stamp=work.stamp(),
        offer=amazon.read_offer(binding.sku),
        is_reinstated_automatically=seller.reinstatement == "automatic",
    )
    facts = decisions.follow_offer(binding, command)
    return app.record(*changes_of(app, binding, facts, work))


def show(seller: Seller, mercari: Mercari, binding: AsinBinding, effect: Effect) -> MercariListing:
    """Carry the effect out and return what Mercari shows afterwards. Raises UpstreamError."""
    if effect == "list":
        return open_listing(mercari, binding, found_or_created(seller, mercari, binding))
    if binding.listing is None:
        raise RuntimeError(f"{binding.asin} has no listing to {effect}")
    change = change_due(binding, binding.listing, effect)
    if change != ListingChange():
        mercari.change_listing(binding.listing.listing_id, change)
    if effect == "update" and binding.stock is not None:
        set_stock(mercari, binding, binding.listing)
    return must_find(mercari, binding)


def found_or_created(seller: Seller, mercari: Mercari, binding: AsinBinding) -> MercariListing:
    """The listing of our SKU code, created closed where there is none.

    Whatever create answered, the look-up afterwards is what counts: an error may hide a success.
    """
    if found := mercari.find_listing(binding.sku_code):
        return found
    try:
        mercari.create_listing(draft_of(binding, seller.warranty))
    except UpstreamRefused:
        raise
    except UpstreamError:
        return must_find(mercari, binding)
    return must_find(mercari, binding)


def open_listing(mercari: Mercari, binding: AsinBinding, found: MercariListing) -> MercariListing:
    """Open it with today's price, title and stock."""
    set_stock(mercari, binding, found)
    change = change_due(binding, found, "list")
    return mercari.change_listing(found.listing_id, change)


def set_stock(mercari: Mercari, binding: AsinBinding, shown: MercariListing) -> None:
    """Write the stock only where it differs, so that units sold on Mercari are not put back."""
    if binding.stock is not None and binding.stock != shown.stock:
        mercari.set_stock(binding.sku_code, binding.stock)


def change_due(binding: AsinBinding, shown: MercariListing, effect: Effect) -> ListingChange:
    """The fields that differ from what was decided; a take-down changes nothing but the status."""
    if effect == "take_down":
        return ListingChange(is_on_sale=False)
    title = listing_title(binding.title or binding.asin)
    category_id = binding.terms.mercari_category_id
    return ListingChange(
        category_id=category_id if shown.category_id not in (None, category_id) else None,
        is_on_sale=True if not shown.is_on_sale else None,
        price_jpy=binding.price_jpy if binding.price_jpy != shown.price_jpy else None,
        title=title if title != shown.title else None,
    )


def must_find(mercari: Mercari, binding: AsinBinding) -> MercariListing:
    """The listing of our SKU code. Raises UpstreamUnavailable where Mercari has none."""
    found = mercari.find_listing(binding.sku_code)
    if found is None:
        detail = f"no listing with SKU code {binding.sku_code}"
        raise UpstreamUnavailable("mercari", "productVariant", detail)
    return found


def record_shown(
    app: AsinSync, binding: AsinBinding, effect: Effect, shown: MercariListing, work: Work
) -> EffectOutcome:
    """Record what Mercari shows, and settle the row of the upload that asked for it."""
    command = decisions.RecordListing(stamp=work.stamp(), effect=effect, listing=shown)
    facts = decisions.record_listing(binding, command)
    if not facts:
        unchanged = UpstreamUnavailable("mercari", effect, "the listing still shows what it did")
        return record_failure(app, binding, effect, unchanged, work)
    changes = [Change(binding.binding_id, binding.version, facts)]
    settled = settling_row(app, binding, Ending("listed"), work) if effect == "list" else []
    return EffectOutcome(effect=effect, position=app.record(*changes, *settled))


def record_failure(
    app: AsinSync, binding: AsinBinding, effect: Effect, error: UpstreamError, work: Work
) -> EffectOutcome:
    """Record the failed attempt and when it is tried again: nothing due is ever given up.

    A refusal ends the row that asked for the listing, and is tried again after an hour.
    """
    is_refused = isinstance(error, UpstreamRefused)
    backoff = min(RETRY_DELAY_SECONDS_MAX, 5 * 2**binding.attempts)
    delay = REFUSED_DELAY_SECONDS if is_refused else error.retry_after_seconds or backoff
    retry_at = work.clock() + timedelta(seconds=delay)
    command = decisions.RecordFailure(
        stamp=work.stamp(), operation=effect, code=error.code, detail=str(error), retry_at=retry_at
    )
    facts = decisions.record_failure(binding, command)
    settled = (
        settling_row(app, binding, Ending("failed", (error.code,)), work) if is_refused else []
    )
    position = app.record(Change(binding.binding_id, binding.version, facts), *settled)
    return EffectOutcome(effect=effect, position=position, error_code=error.code, retry_at=retry_at)

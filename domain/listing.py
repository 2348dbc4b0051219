"""Use case: make Mercari show what was decided about one binding, exactly once.

Look up by SKU, create closed where absent, look up again even after an error, open. Every step can
be run again after a crash; the aggregate's version fences off a worker that comes back late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.application import AsinSync, Change, until_settled
from domain.asin_binding import AsinBinding, BindingFact, Effect, decisions, effect_due, fold
from domain.asin_binding.drift import FollowListing, drift_of
from domain.asin_binding.state import draft_of
from domain.breaker import UpstreamPaused, stops_at_once
from domain.errors import VersionConflict
from domain.following import offer_to_follow
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
from domain.reading import with_fba_stock
from domain.seller import Seller
from domain.stamps import Work, event_id_of
from domain.uploads import Ending, changes_of, settling_row
from domain.values import Value
from domain.winding_up import end_together, ending_of

RETRY_DELAY_SECONDS_MAX = 600
REFUSED_DELAY_SECONDS = 3600


class EffectOutcome(Value):
    """What came of one effect; `error` when nothing on Mercari may be believed changed.

    `is_paused`: nothing was asked, and nothing recorded, as the marketplace is left alone.
    """

    effect: Effect | None
    position: int | None = None
    error_code: str | None = None
    retry_at: datetime | None = None
    is_paused: bool = False


def perform_effect(
    app: AsinSync,
    seller: Seller,
    amazon: Amazon,
    mercari: Mercari,
    binding_id: UUID,
    work: Work,
) -> EffectOutcome:
    """Do what is due for this binding and record it. Raises VersionConflict: somebody else did.

    For a seller terminated or leaving, only take-downs are written: what asks for more ends.
    """
    binding = app.binding(binding_id)
    effect = effect_due(binding) if binding else None
    if binding is None or effect is None or is_waiting(binding, work.clock()):
        return EffectOutcome(effect=None)
    ending = ending_of(seller)
    if ending is not None and effect != "take_down":
        ended = end_together(app, seller.seller_id, [binding_id], ending, work)
        return EffectOutcome(effect=effect, position=ended.position)
    work = caused_by(work, binding)
    try:
        if is_stale(binding, work.clock()) and effect != "take_down":
            refreshed = refresh(app, seller, amazon, binding, work)
            if refreshed is not None:
                return EffectOutcome(effect=effect, position=refreshed)
        if effect == "update":
            looked = look_first(app, seller, mercari, binding, work)
            if looked is not None:
                return EffectOutcome(effect=effect, position=looked)
        shown = show(seller, mercari, binding, effect)
    except UpstreamError as error:
        if isinstance(error, UpstreamPaused) and error.upstream == "mercari":
            return EffectOutcome(effect=effect, error_code=error.code, is_paused=True)
        return record_failure(app, binding, effect, error, work)
    try:
        return record_shown(app, binding, effect, shown, work)
    except VersionConflict:
        return record_sighting(app, binding, shown, work)


def look_first(
    app: AsinSync, seller: Seller, mercari: Mercari, binding: AsinBinding, work: Work
) -> int | None:
    """What changed on Mercari since we last looked: units sold, edits by hand.

    Returns the position of what was recorded of it: the effect is worked out anew from that. None
    where everything is as we know it.
    """
    facts = seen_on_mercari(seller, binding, must_find(mercari, binding), work)
    return app.record(Change(binding.binding_id, binding.version, facts)) if facts else None


def seen_on_mercari(
    seller: Seller, binding: AsinBinding, found: MercariListing, work: Work
) -> list[BindingFact]:
    """An edit by hand, or units sold; nothing where the listing is as we last saw it."""
    keeps_price = seller.hand_edited_price == "keep"
    drift = FollowListing(stamp=work.stamp(), listing=found, keeps_price=keeps_price)
    drifted = drift_of(binding, drift)
    if drifted:
        return drifted
    if binding.listing is None or found.stock >= binding.listing.stock:
        return []
    command = decisions.RecordListing(stamp=work.stamp(), effect="seen", listing=found)
    return decisions.record_listing(binding, command)


def record_sighting(
    app: AsinSync, before: AsinBinding, shown: MercariListing, work: Work
) -> EffectOutcome:
    """The binding went another way while its effect was carried out: what Mercari shows is kept.

    Otherwise a listing opened at that moment would be on sale, and nobody would know of it.
    """

    def attempt() -> int | None:
        binding = app.binding(before.binding_id)
        if binding is None:
            return None
        command = decisions.RecordListing(stamp=work.stamp(), effect="seen", listing=shown)
        facts = decisions.record_listing(binding, command)
        return app.record(*changes_of(app, binding, facts, work))

    return EffectOutcome(effect=None, position=until_settled(attempt))


def perform_stock(
    app: AsinSync, seller: Seller, mercari: Mercari, binding_ids: Sequence[UUID], work: Work
) -> set[UUID]:
    """Write the stock of up to 20 bindings that need nothing else, in one call.

    Returns those that are done; the others are to be performed one by one. What Mercari answers is
    what it shows; a call that it refused or did not answer has done nothing that may be believed.
    """
    if ending_of(seller) is not None:
        return set()
    now = work.clock()
    wanted = {
        key: binding
        for key, binding in app.bindings(binding_ids).items()
        if needs_only_stock(binding) and not is_waiting(binding, now) and not is_stale(binding, now)
    }
    try:
        looked = look_at_each(app, seller, mercari, wanted, work)
        if not looked:
            return set()
        shown = mercari.set_stocks({each.sku_code: each.stock or 0 for each in looked.values()})
    except (UpstreamError, VersionConflict):
        return set()
    facts = {
        key: stock_facts(binding, shown[binding.sku_code], work)
        for key, binding in looked.items()
        if binding.sku_code in shown
    }
    done = {key: made for key, made in facts.items() if made}
    try:
        app.record(*(Change(key, looked[key].version, made) for key, made in done.items()))
    except VersionConflict:
        return set()
    return set(done)


def look_at_each(
    app: AsinSync,
    seller: Seller,
    mercari: Mercari,
    wanted: Mapping[UUID, AsinBinding],
    work: Work,
) -> dict[UUID, AsinBinding]:
    """Those that still need nothing but stock, with the units sold since we last looked."""
    looked: dict[UUID, AsinBinding] = {}
    for key, binding in wanted.items():
        facts = seen_on_mercari(seller, binding, must_find(mercari, binding), work)
        app.record(Change(key, binding.version, facts))
        seen = fold(binding, key, facts)
        if seen is not None and needs_only_stock(seen):
            looked[key] = seen
    return looked


def needs_only_stock(binding: AsinBinding) -> bool:
    """The listing shows what was decided, but for its stock."""
    shown = binding.listing
    if effect_due(binding) != "update" or shown is None or shown.stock == binding.stock:
        return False
    filled = binding.model_copy(
        update={"listing": shown.model_copy(update={"stock": binding.stock})}
    )
    return effect_due(filled) is None


def stock_facts(binding: AsinBinding, stock: int, work: Work) -> list[BindingFact]:
    """What Mercari shows after its stock was written."""
    if binding.listing is None:
        return []
    shown = binding.listing.model_copy(update={"stock": stock, "observed_at": work.clock()})
    caused = caused_by(work, binding)
    command = decisions.RecordListing(stamp=caused.stamp(), effect="update", listing=shown)
    return decisions.record_listing(binding, command)


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
    [offer] = with_fba_stock(amazon, [amazon.read_offer(binding.sku)])
    if offer.status == "unknown":
        raise UpstreamUnavailable("amazon", "getListingsItem", "the answer says too little")
    command = offer_to_follow(seller, offer, work, may_return=False)
    facts = decisions.follow_offer(binding, command)
    return app.record(*changes_of(app, binding, facts, work))


def show(seller: Seller, mercari: Mercari, binding: AsinBinding, effect: Effect) -> MercariListing:
    """Carry the effect out and return what Mercari shows afterwards. Raises UpstreamError."""
    if effect == "list":
        return open_listing(seller, mercari, binding, found_or_created(seller, mercari, binding))
    if binding.listing is None:
        raise RuntimeError(f"{binding.asin} has no listing to {effect}")
    change = change_due(seller, binding, binding.listing, effect)
    if change != ListingChange():
        mercari.change_listing(binding.listing.listing_id, change)
    if effect == "update" and binding.stock is not None:
        set_stock(mercari, binding, binding.listing)
    found = must_find(mercari, binding)
    if effect != "take_down":
        return found
    # what else may have been edited by hand is left to be found: only these two were looked at
    return binding.listing.model_copy(update={
        "is_on_sale": found.is_on_sale, "stock": found.stock, "observed_at": found.observed_at,
    })  # fmt: skip


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


def open_listing(
    seller: Seller, mercari: Mercari, binding: AsinBinding, found: MercariListing
) -> MercariListing:
    """Open it with today's price, title and stock."""
    set_stock(mercari, binding, found)
    change = change_due(seller, binding, found, "list")
    return mercari.change_listing(found.listing_id, change)


def set_stock(mercari: Mercari, binding: AsinBinding, shown: MercariListing) -> None:
    """Write the stock only where it differs, so that units sold on Mercari are not put back."""
    if binding.stock is not None and binding.stock != shown.stock:
        mercari.set_stock(binding.sku_code, binding.stock)


def change_due(
    seller: Seller, binding: AsinBinding, shown: MercariListing, effect: Effect
) -> ListingChange:
    """The fields that differ from what was decided; a take-down changes nothing but the status."""
    if effect == "take_down":
        return ListingChange(is_on_sale=False)
    draft = draft_of(binding, seller.warranty)
    title, category_id = draft.title, draft.category_id
    return ListingChange(
        category_id=category_id if shown.category_id not in (None, category_id) else None,
        is_on_sale=True if not shown.is_on_sale else None,
        price_jpy=binding.price_jpy if binding.price_jpy != shown.price_jpy else None,
        title=title if title != shown.title else None,
        description=draft.description if "description" in binding.to_write else None,
        image_urls=draft.image_urls or None if "image_urls" in binding.to_write else None,
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
    facts = [*facts, *not_taken(binding, facts, effect, work)]
    changes = [Change(binding.binding_id, binding.version, facts)]
    settled = settling_row(app, binding, Ending("listed"), work) if effect == "list" else []
    return EffectOutcome(effect=effect, position=app.record(*changes, *settled))


def not_taken(
    binding: AsinBinding, facts: Sequence[BindingFact], effect: Effect, work: Work
) -> Sequence[BindingFact]:
    """Mercari took the change, and shows something else: said, and tried again after an hour."""
    after = fold(binding, binding.binding_id, facts)
    if after is None or effect_due(after) != effect:
        return []
    command = decisions.RecordFailure(
        stamp=work.stamp(), operation=effect, code=UpstreamRefused.code,
        detail="Mercari answered, and still shows something else than was written",
        retry_at=work.clock() + timedelta(seconds=REFUSED_DELAY_SECONDS),
    )  # fmt: skip
    return decisions.record_failure(after, command)


def record_failure(
    app: AsinSync, binding: AsinBinding, effect: Effect, error: UpstreamError, work: Work
) -> EffectOutcome:
    """Record the failed attempt and when it is tried again: nothing due is ever given up.

    A refusal ends the row that asked for the listing, and is tried again after an hour.
    """
    is_refused = isinstance(error, UpstreamRefused) and not stops_at_once(error)
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

"""The words for statuses, outcomes, fates and roles, each with the shape that goes with it.

Colour never stands alone: a kind is a shape and a colour, and always comes with its word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from api.l10n import mark

Kind = Literal["ok", "wait", "warn", "retry", "fail", "none"]


class Word(NamedTuple):
    """A message to be translated, and its kind."""

    kind: Kind
    message: str


STATUSES: Mapping[str, Word] = {
    "requested": Word("wait", mark("Being checked")),
    "validated": Word("wait", mark("Checks passed")),
    "mapped": Word("wait", mark("Being listed")),
    "listed": Word("ok", mark("On sale")),
    "rejected": Word("fail", mark("Not accepted")),
    "unmapped": Word("warn", mark("Needs a category")),
    "suspended": Word("warn", mark("Suspended")),
    "blocked": Word("fail", mark("Closed for good")),
    "withdrawn": Word("none", mark("Withdrawn")),
}
OUTCOMES: Mapping[str, Word] = {
    "ok": Word("ok", mark("Synced")),
    "retrying": Word("retry", mark("Retrying")),
    "failed": Word("fail", mark("Failed")),
}
FATES: Mapping[str | None, Word] = {
    None: Word("wait", mark("Waiting")),
    "listed": Word("ok", mark("On sale")),
    "changed": Word("ok", mark("Terms changed")),
    "unchanged": Word("none", mark("Nothing to change")),
    "rejected": Word("fail", mark("Not accepted")),
    "refused": Word("fail", mark("Row refused")),
    "failed": Word("fail", mark("Failed")),
    "suspended": Word("warn", mark("Suspended")),
    "withdrawn": Word("none", mark("Withdrawn")),
    "superseded": Word("none", mark("Asked for anew")),
    "in_review": Word("wait", mark("With a reviewer")),
}
IMAGE_VERDICTS: Mapping[str | None, str] = {
    "pass": mark("Passed"),
    "fail": mark("Did not pass"),
    "review": mark("With a reviewer"),
    None: mark("Not inspected"),
}
CHECKS: Mapping[str, str] = {
    "asin_state": mark("State on Amazon"),
    "fulfilment": mark("Who ships"),
    "supported": mark("Goods allowed on Mercari"),
    "brand_registered": mark("Brand registered in Japan"),
    "brand_authorised": mark("Brand authorised for the shop"),
    "price": mark("Price within the policy"),
    "localisation": mark("Japanese label and manual"),
    "category": mark("Category"),
    "compliance": mark("Certificates"),
    "image": mark("Main image"),
    "warranty": mark("Warranty"),
}
VERDICTS: Mapping[str, Word] = {
    "pass": Word("ok", mark("Passed")),
    "fail": Word("fail", mark("Did not pass")),
    "review": Word("wait", mark("With a reviewer")),
    "unknown": Word("warn", mark("Unknown")),
}
CERTIFICATES: Mapping[str, str] = {
    "pse_diamond": mark("PSE, diamond mark"),
    "pse_circle": mark("PSE, circle mark"),
    "telec": mark("Radio certification (TELEC)"),
    "cosmetics_licence": mark("Cosmetics marketing licence"),
    "jis_s_5001": mark("JIS S 5001 mark"),
    "psc": mark("PSC mark"),
}
PROOFS: Mapping[str, str] = {
    "certificate": mark("Certificate filed"),
    "brand": mark("Trademark registration filed"),
    "shipping_time": mark("Proof of shipping time filed"),
    "label": mark("Japanese label and manual filed"),
}
WHO_ACTS: Mapping[str, str] = {
    "seller": mark("You"),
    "mercari": mark("Mercari"),
    "automatic": mark("Retries itself"),
}
WHO_MENDS: Mapping[str, str] = {
    "seller": mark("You act"),
    "mercari": mark("Mercari acts"),
    "automatic": mark("Retries itself"),
}
"""Who acts, where no column's head says that this is meant."""
ROLES: Mapping[str, str] = {
    "seller": mark("Seller"),
    "reviewer": mark("Reviewer"),
    "support": mark("Support"),
    "auditor": mark("Auditor"),
    "service": mark("Service"),
    "admin": mark("Administrator"),
}
ARBITRAGE_RULES: Mapping[str, str] = {
    "no_own_offer": mark("No own offer on Amazon"),
    "price_above_policy": mark("Price kept above the policy"),
}
TERMINATION_CAUSES: Mapping[str, str] = {
    "arbitrage": mark("arbitrage"),
    "fraud": mark("fraud"),
    "request_of_mercari": mark("at Mercari's request"),
}
DISMISSAL_CAUSES: Mapping[str, str] = {
    "own_stock_proved": mark("Own stock or purchases were proved"),
    "typing_mistake": mark("The ASINs were typing mistakes"),
    "price_mended": mark("The price was mended"),
    "other": mark("Another cause"),
}
CONFIRMATION_CAUSES: Mapping[str, str] = {
    "bought_on_amazon": mark("Bought on Amazon to be resold"),
    "price_kept_high": mark("Kept the price above the policy on purpose"),
    "other": mark("Another cause"),
}
AMAZON_STATUSES: Mapping[str, str] = {
    "active": mark("active on Amazon"),
    "inactive": mark("inactive on Amazon"),
    "suspended": mark("suspended by Amazon"),
    "deleted": mark("deleted from Amazon"),
    "suspended_account": mark("the Amazon account is suspended"),
    "unknown": mark("not answered by Amazon"),
}
EVENT_KINDS: Mapping[str, str] = {
    "asin_binding.": mark("Bindings: checked, listed, changed, suspended"),
    "breaker.": mark("A marketplace left alone, and read again"),
    "category_tree.": mark("Mercari's category tree"),
    "person.": mark("People who sign in"),
    "request.": mark("Idempotency keys that were used"),
    "seller.": mark("The shop: application, links, settings, keys"),
    "seller_look.": mark("Looks by Mercari's staff"),
    "submission.": mark("CSV uploads"),
    "sync_sweep.": mark("Sweeps: finished, late, held, skipped"),
    "ticket.": mark("Tickets"),
}
"""What each beginning of the types of events stands for."""
SWEEPS: Mapping[str, str] = {
    "sweep.status": mark("Status sweep"),
    "sweep.stock_price": mark("Stock and price sweep"),
    "sweep.catalogue": mark("Catalogue sweep"),
    "sweep.delta": mark("Quick look at what can't be bought"),
    "sweep.drift": mark("Comparison with Mercari"),
    "sweep.report": mark("Comparison with Amazon's daily report"),
}
MARKETPLACES: Mapping[str, str] = {"amazon": mark("Amazon"), "mercari": mark("Mercari")}
LISTING_FIELDS: Mapping[str, str] = {
    "title": mark("title"),
    "description": mark("text"),
    "image_urls": mark("images"),
    "category_id": mark("category"),
    "price_jpy": mark("price"),
    "stock": mark("stock"),
    "is_on_sale": mark("on sale"),
    "listing": mark("the listing itself"),
}
ATTEMPTS: Mapping[str, str] = {
    "check": mark("Check"),
    "list": mark("Listing"),
    "update": mark("Update"),
    "take_down": mark("Take-down"),
    "upload": mark("Upload"),
}
ATTEMPT_OUTCOMES: Mapping[str, Word] = {
    "delivered": Word("ok", mark("Delivered")),
    "failed": Word("retry", mark("Tried again later")),
    "given_up": Word("fail", mark("Not delivered")),
}
DISABLED_BECAUSE: Mapping[str | None, Word] = {
    "on": Word("ok", mark("Switched on")),
    "only_failing": Word("retry", mark("Failing, tried again")),
    "gone": Word("fail", mark("Switched off: the server said that the address is gone (410)")),
    "failing": Word("fail", mark("Switched off: it only failed for five days")),
    None: Word("none", mark("Switched off by you")),
}
SENDING_ERRORS: Mapping[str | None, str] = {
    "timed_out": mark("no answer in time"),
    "address_not_public": mark("the address is not a public one"),
    "name_unknown": mark("the host name is unknown"),
    "not_connected": mark("no connection, or no valid certificate"),
    "broken_answer": mark("the answer could not be read"),
    "redirected": mark("redirects are not followed"),
    "secret_missing": mark("its secret is missing: remove it and add it again"),
    "event_unreadable": mark("the event could not be read"),
}

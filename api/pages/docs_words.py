"""The words of the API's documentation: the groups of routes, and what every call shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from api.l10n import mark


class Convention(NamedTuple):
    """Names as they stand in a request or an answer, and what holds for them."""

    names: Sequence[str]
    rule: str


TAGS: Mapping[str, str] = {
    "submissions": mark("Uploads"),
    "bindings": mark("Bindings"),
    "reports": mark("Sync log, reports and figures"),
    "sellers": mark("The seller, its settings and keys"),
    "pricing": mark("Pricing rules"),
    "notifications": mark("Notifications of the marketplaces"),
    "feed": mark("Events and webhooks"),
    "onboarding": mark("Onboarding"),
    "tickets": mark("Tickets"),
    "evidence": mark("Evidence and checkpoints"),
    "operations": mark("Operations"),
}
CONVENTIONS: Sequence[Convention] = (
    Convention(
        ("cursor", "next_cursor", "Link"),
        mark(
            "A list comes in pages. Where it goes on, the answer names the next page's cursor; it "
            "belongs to this filter and this seller alone."
        ),
    ),
    Convention(
        ("position", "at_position"),
        mark(
            "The answer to a write names a position. Ask with it, and what you are told next waits "
            "up to two seconds until it shows that write."
        ),
    ),
    Convention(
        ("ETag", "If-Match", "412", "428"),
        mark(
            "Whoever changes something names the version that they saw. If it was changed in "
            "between, or no version is named, nothing is done."
        ),
    ),
    Convention(
        ("Idempotency-Key",),
        mark(
            "What is recorded under a key of your choice is recorded once. Sent again, it is "
            "answered as it was; no request needs a key."
        ),
    ),
    Convention(
        ("application/problem+json", "code", "errors"),
        mark(
            "Every refusal says what is wrong and what to do, and has changed nothing. Decide by "
            "the code, which never changes; the type leads to its page."
        ),
    ),
    Convention(
        ("429", "503", "Retry-After", "RateLimit"),
        mark("Too much was asked, or a marketplace is busy: wait so many seconds, then ask again."),
    ),
    Convention(
        ("lang", "Accept-Language"),
        mark("What is told to people comes in Chinese, Japanese or English."),
    ),
    Convention(
        ("as_of", "at_version"),
        mark("A binding can also be read as it was at an instant or at a version."),
    ),
    Convention(
        ("seller_id", "Access-Reason", "reason", "ticket"),
        mark(
            "Staff of Mercari name the seller and say why they look, or which ticket it is for. "
            "The look is recorded and the seller sees it."
        ),
    ),
    Convention(
        ("X-Request-ID",),
        mark("An id of your own; it comes back in problems and stands with what was recorded."),
    ),
)
WHAT_TO_DO: Mapping[str, str] = {
    "not-found": mark(
        "Check the address and the id. What belongs to another seller is not found either."
    ),
    "wrong-state": mark("Read it again: what was asked is not possible in the state it is in."),
    "conflict": mark("Read it again, look at what has changed, and send your change once more."),
    "key-reused": mark(
        "Nothing was done. Make a key for each new request; send the same one only to repeat it."
    ),
    "precondition-required": mark(
        "Read it first, and send the tag of that answer along with the change."
    ),
    "unauthenticated": mark(
        "Send a key that is in force. It may have been revoked, or belong to another installation."
    ),
    "forbidden": mark("Ask somebody whose role may do it; the detail names the roles."),
    "seller-required": mark("A key of staff opens every seller: say which one is meant."),
    "reason-required": mark(
        "State in a few words why you look at this seller, or name the ticket it is about."
    ),
    "nothing-signed": mark("Every event is signed within two seconds: ask again in a moment."),
    "parquet-not-installed": mark(
        "Ask for CSV or JSON Lines, or have the operator install the optional part for Parquet."
    ),
    "evidence-broken": mark(
        "Somebody changed the database. Keep your checkpoint, and have the whole history checked "
        "anew."
    ),
    "invalid-request": mark(
        "Correct the fields that the answer points at; their limits stand with the route."
    ),
    "too-large": mark("The limit stands beside the form: send a smaller file or a shorter text."),
    "too-many-requests": mark("Wait as many seconds as the answer names, then send it again."),
    "unavailable": mark("Your listings stay as they are meanwhile: try again in a moment."),
    "internal": mark(
        "Try again in a moment. If it stays, open a ticket and name the request's id."
    ),
}
"""What to do about each problem of `api.problems`."""

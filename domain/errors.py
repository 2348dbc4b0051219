"""Why a command is refused: one class for each reason, its code from the table of SPEC §10.

The ways in turn them into statuses (`api/errors.py`); a refusal changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.rules.findings import Finding


class Refusal(Exception):
    """A command was refused and nothing was changed. `fields` go into the answer as they are.

    `finding` says what was seen and the rule, where the seller can mend it.
    """

    code = "E-400"

    def __init__(self, detail: str, finding: Finding | None = None, **fields: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.finding = finding
        self.fields: Mapping[str, Any] = fields
        self.code = finding.code if finding else type(self).code


class FileRefused(Refusal):
    """An uploaded file is refused whole. `faults` are (key, values) pairs of the fault table."""

    def __init__(self, faults: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        super().__init__(", ".join(key for key, _ in faults))
        self.faults = faults


class SyncNotEnabled(Refusal):
    """The seller may not bind yet; the detail names what is missing."""

    code = "E-401"


class SellerTerminated(Refusal):
    """The seller's status ended for good: nothing is bound, synced or linked for it any more."""

    code = "E-415"


class ConsentRefused(Refusal):
    """Amazon's consent leads to no link; `rule` says why, and `values` fill its words."""

    code = "E-401"

    def __init__(self, detail: str, rule: str, values: Mapping[str, str]) -> None:
        super().__init__(detail, rules={"consent": rule})
        self.rule = rule
        self.values = values


class NotAJapaneseAsin(Refusal):
    """The text is not an ASIN of Amazon.co.jp."""

    code = "E-402"


class CategoryRefused(Refusal):
    """The chosen category is unknown, not a leaf, or another one than the live binding's."""

    code = "E-403"


class PriceOutOfRange(Refusal):
    """A price or float outside the allowed range."""

    code = "E-409"


class WarrantyIncomplete(Refusal):
    """The warranty terms lack a part, or are not in Japanese."""

    code = "E-414"


class BrandRefused(Refusal):
    """A brand can't be authorised by what was given; the detail says what is missing."""

    code = "invalid-request"


class PricingRefused(Refusal):
    """Rules or channel prices are refused whole; `rules` says what is wrong with each field."""

    code = "invalid-request"


class LinkRefused(Refusal):
    """What was given can't be a marketplace's token or a shop's id."""

    code = "invalid-request"


class EvidenceRefused(Refusal):
    """A file of evidence is not what it has to be; the detail says what would do."""

    code = "E-419"


class ReviewRefused(Refusal):
    """A reviewer's decision lacks its cause or its reason; `rules` says what would do."""

    code = "invalid-request"


class TicketRefused(Refusal):
    """What was said in a ticket, or the reason of a look, is too little or too much."""

    code = "invalid-request"


class EntityNotEligible(Refusal):
    """Who applied is no company that ASIN Sync is open to; `rules` says why."""

    code = "E-418"


class ApplicationRefused(Refusal):
    """An application lacks something, or says what can't be; `rules` says what."""

    code = "invalid-request"


class DocumentRefused(Refusal):
    """A document or a decision on one is not what is asked for; `rules` says what is."""

    code = "E-419"


class WebhookRefused(Refusal):
    """A webhook may not be what was given: its address, its types, or one endpoint too many."""

    code = "invalid-request"


class KeyRefused(Refusal):
    """An API key may not be made as asked for, or is the last one that people sign in with."""

    code = "invalid-request"


class PersonRefused(Refusal):
    """A person may not be invited or revoked as asked for; `rules` says why."""

    code = "invalid-request"


class SignInRefused(Refusal):
    """Nobody is let in; `rule` says why, and `values` fill its words."""

    code = "unauthenticated"

    def __init__(self, detail: str, rule: str, values: Mapping[str, str]) -> None:
        super().__init__(detail, rules={"sign_in": rule})
        self.rule = rule
        self.values = values


class TextRefused(Refusal):
    """A text holds characters that nothing can keep or nobody can see."""

    code = "invalid-request"


class PositionRefused(Refusal):
    """A place that the log has not come to."""

    code = "invalid-request"


class InstantRefused(Refusal):
    """An instant that nothing can be known of yet."""

    code = "invalid-request"


class NotFound(Refusal):
    """Nothing of that id, or nothing this caller may see: the two are never told apart."""

    code = "not-found"


class WrongState(Refusal):
    """The binding's status does not allow this command; the detail says which do."""

    code = "wrong-state"


class SellerLeft(WrongState):
    """The seller asked for erasure: nothing that tells of a person is taken again."""


class VersionConflict(Refusal):
    """Somebody changed the aggregate in between; read it again and decide anew."""

    code = "conflict"


class SellerExists(Refusal):
    """The Amazon seller account is registered already."""

    code = "conflict"


class TooManyRequests(Refusal):
    """The caller asks too often; it may ask again after so many seconds."""

    code = "too-many-requests"

    def __init__(self, detail: str, retry_after_seconds: float) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class NotificationRefused(Refusal):
    """A marketplace's notification can't be read; the detail says what it lacks."""

    code = "invalid-request"


class NothingSigned(Refusal):
    """No checkpoint covers what is asked for yet; one does within two seconds."""

    code = "nothing-signed"


class NeverSigned(Refusal):
    """Nobody can hold a checkpoint of so many leaves: the log has fewer."""

    code = "invalid-request"


class EvidenceBroken(Refusal):
    """What is stored is not what the transparency log holds: somebody changed one of them."""

    code = "evidence-broken"


class ParquetNotInstalled(Refusal):
    """The optional package that writes Parquet is not installed here."""

    code = "parquet-not-installed"

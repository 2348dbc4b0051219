"""What the ways in need of the world: who calls, one seller's rows, the log's position, the shops.

`main.py` hands in the real thing; nothing in `api` knows where the data or the marketplaces are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from psycopg import Connection

from domain.application import AsinSync
from domain.callers import Allowance, Caller, KeyInfo
from domain.consents import Browser, Consent, ConsentAnswer
from domain.contacts import Contact, ContactState
from domain.evidence import EvidenceFile, OwnKind
from domain.facts import Recorded
from domain.hints import Taken
from domain.operations import BudgetLevel, ServiceState
from domain.people import Arrival, Identity, Installed, Person, Provider, SignInAnswer
from domain.ports import Amazon, Clock, Mercari, Sources
from domain.seller import Role, SecretKind, Seller
from domain.stamps import Work
from domain.transparency.bundle import Bundle
from domain.webhooks import Attempt, Delivery, Message, Webhook
from projections.conditions import ConditionRow

__all__ = ["Caller", "Consents", "Desk", "Hints", "KeyInfo", "Keys", "People", "Shops", "SignIns"]


class Shops(Protocol):
    """The marketplaces of a seller, as linked."""

    def amazon(self, seller: Seller) -> Amazon:
        """Raises SyncNotEnabled where the seller has not linked Amazon."""

    def mercari(self, seller: Seller) -> Mercari:
        """Raises SyncNotEnabled where the seller has not linked Mercari."""

    def sources(self, seller: Seller) -> Sources:
        """What a check reads for this seller. Raises SyncNotEnabled, UpstreamError."""


class Keys(Protocol):
    """API keys: made once, shown once, kept as a digest."""

    def caller(self, key: str) -> Caller | None:
        """Who holds this key; None for a key that never was or was revoked."""

    def known(self, key: str) -> Caller | None:
        """Like `caller`, without a look-up: None also where one is needed."""

    def by_id(self, key_id: str) -> Caller | None:
        """Who holds the key of this id; None for one that never was or was revoked."""

    def create(self, role: Role, seller_id: UUID | None, label: str) -> tuple[str, str]:
        """Make a key; return its id and the key itself, which can't be had again."""

    def all(self, seller_id: UUID | None) -> list[KeyInfo]:
        """The seller's keys, or everybody's for None."""

    def revoke(self, key_id: str, seller_id: UUID | None, *, may_be_last: bool = True) -> bool:
        """Close a key; False where this seller (or anybody, for None) has none of that id.

        Raises KeyRefused for a seller's last key that people sign in with, unless it may be that.
        """


class People(Protocol):
    """People who come in without a key, and their sessions."""

    def all(self) -> list[Person]:
        """Everybody who ever was invited, the last one first."""

    def by_id(self, person_id: str) -> Caller | None:
        """The person of this id; None for one that never was or was revoked."""

    def invite(
        self, email: str, role: str, seller_id: UUID | None, work: Work
    ) -> tuple[Person, int | None]:
        """Who may come in by this e-mail, and the position. Raises PersonRefused, NotFound."""

    def revoke(self, person_id: UUID, work: Work) -> int | None:
        """Let a person in no more, from this moment. Raises NotFound, PersonRefused."""

    def forget(self, person_id: UUID, work: Work) -> int | None:
        """Erase who a revoked person was. Raises NotFound, PersonRefused."""

    def open_session(self, person_id: str) -> str:
        """A new token for this person."""

    def holder(self, token: str, *, is_use: bool) -> Caller | None:
        """Whose session this is; None for one that has ended, or lain idle for too long."""

    def end_session(self, token: str) -> None:
        """The token opens nothing any more."""


class SignIns(Protocol):
    """Lets people in by an identity provider's word."""

    provider: Provider | None
    callback_url: str

    def begin(self, browser: str, following: str) -> str:
        """The provider's page, for this browser alone. Raises SignInRefused."""

    def complete(self, answer: SignInAnswer, browser: str) -> Arrival:
        """Who came in by this answer. Raises SignInRefused: then nobody did."""

    def newcomer(self, browser: str) -> Identity | None:
        """Whom the provider named in this browser, while a set-up code may still be given."""

    def claim(self, code: str, browser: str) -> Installed:
        """Make the newcomer of this browser the first administrator. Raises SignInRefused."""


class Limits(Protocol):
    """How many requests each key may send."""

    @property
    def is_off(self) -> bool:
        """Nothing is counted."""

    def take(self, key_id: str) -> Allowance | None:
        """Let one request of the key be sent, or say for how long not; None without limits."""

    def take_leased(self, key_id: str) -> Allowance | None:
        """The same without a look-up; None where one is needed."""


class Hints(Protocol):
    """Takes what the marketplaces say has happened."""

    def take_amazon(self, body: bytes, only_seller: UUID | None) -> Taken:
        """Take Amazon's notifications, of one seller or of any. Raises NotificationRefused."""

    def take_mercari(self, token: str, body: bytes) -> Taken:
        """Take an order webhook. Raises NotFound, NotificationRefused."""

    def mercari_token(self, seller_id: UUID) -> str:
        """The secret part of the address of a shop's order webhook."""


class Consents(Protocol):
    """Asks a seller for its permission on Amazon's own page, and takes the answer."""

    origin: str

    def begin(self, seller_id: UUID, key_id: str, browser: Browser | None) -> Consent:
        """Where to ask; with a browser, only that one may answer. Raises ConsentRefused."""

    def complete(self, answer: ConsentAnswer, browser: Browser | None) -> UUID:
        """Link the seller that asked. Raises ConsentRefused, UpstreamError: nothing is kept."""


class Transparency(Protocol):
    """A seller's transparency log, as far as it is signed."""

    def checkpoint(self, seller_id: UUID) -> str:
        """The newest checkpoint, a C2SP signed note. Raises NothingSigned."""

    def signed_at(self, seller_id: UUID, size: int) -> datetime | None:
        """When the checkpoint of this size was signed; None where there is none."""

    def vkeys(self, seller_id: UUID) -> Sequence[str]:
        """The keys it is signed with, as C2SP writes them, oldest first."""

    def prove(self, seller_id: UUID, stream: UUID, old_size: int | None) -> Bundle:
        """The evidence of a stream, with the log's growth since an older size.

        Raises NotFound, NothingSigned, EvidenceBroken.
        """


class WebhookDesk(Protocol):
    """What is done with webhooks beside their facts."""

    def new_secret(self, seller_id: UUID, webhook_id: UUID) -> str:
        """Make and keep the secret that signs; it can't be had again."""

    def forget_secret(self, seller_id: UUID, webhook_id: UUID) -> None:
        """The endpoint is no more."""

    def faring(self, seller_id: UUID) -> dict[UUID, Delivery]:
        """How each endpoint fares; a new one is missing for a moment."""

    def attempts(
        self, seller_id: UUID, webhook_id: UUID, before: int | None, limit: int
    ) -> list[Attempt]:
        """Newest first; `before` is the number of the last one seen."""

    def resend_event(self, seller_id: UUID, webhook: Webhook, position: int) -> int:
        """Let one of the seller's own events be sent (again); return 0 where it is none."""

    def resend_since(self, seller_id: UUID, webhook: Webhook, since: datetime) -> int:
        """Let all that it wants from an instant on be sent, oldest first, up to 10,000."""

    def test(self, seller_id: UUID, webhook: Webhook, message: Message, type_: str) -> Attempt:
        """Send a message that is no event, now; waits up to fifteen seconds for the answer.

        Raises WrongState while too many others do.
        """


class Desk(Protocol):
    """Everything a request may use."""

    app: AsinSync
    clock: Clock
    keys: Keys
    people: People
    sign_ins: SignIns
    limits: Limits
    shops: Shops
    hints: Hints
    webhooks: WebhookDesk
    consents: Consents
    transparency: Transparency
    session_secret: bytes
    is_sandbox: bool
    is_mail_on: bool
    image_origins: tuple[str, ...]

    def reading_for(self, seller_id: UUID) -> AbstractContextManager[Connection[Any]]:
        """One seller's rows, all from one instant."""

    def reading_for_staff(self) -> AbstractContextManager[Connection[Any]]:
        """A look across sellers at the lists that staff work by, and at nothing else."""

    def application_delay(self, client: str) -> float:
        """Seconds until this address may apply again; 0 where it may now, which is counted."""

    def position(self) -> int:
        """The position up to which every live view is the fold of the log; at most 20 ms old."""

    def is_recorded(self, position: int) -> bool:
        """Whether the log, if not yet the views, has come to this position."""

    async def position_soon(self) -> int:
        """Like `position`, without holding up the event loop."""

    def history(
        self,
        seller_id: UUID,
        originator_id: UUID,
        *,
        until: datetime | None = None,
        at_version: int | None = None,
    ) -> Sequence[Recorded]:
        """A stream's facts in order, up to an instant or a version; empty where there are none."""

    def events_after(
        self, seller_id: UUID, after: int, until: int, types: Sequence[str], limit: int
    ) -> list[Recorded]:
        """The seller's events after a position, up to one that the views show, of these types."""

    def store_secret(self, seller_id: UUID, kind: SecretKind, token: str) -> None:
        """Keep a seller's token for a marketplace, encrypted."""

    def store_evidence(
        self, seller_id: UUID, content: bytes, made_as: OwnKind | None = None
    ) -> EvidenceFile:
        """Keep a file, encrypted, by its hash; `made_as` for our own. Raises EvidenceRefused."""

    def evidence(self, seller_id: UUID, sha256: str) -> tuple[str, bytes] | None:
        """Media type and content of a file that this seller filed; None where there is none."""

    def contacts(self, seller_id: UUID) -> list[ContactState]:
        """Whom the seller wants told by mail, and how the last mail went."""

    def replace_contacts(self, seller_id: UUID, contacts: Sequence[Contact]) -> None:
        """Keep these contacts and no other. Raises ContactRefused."""

    def faults(self) -> list[str]:
        """What keeps the service from being ready: Postgres, a stopped projection."""

    def figures(self) -> dict[str, float]:
        """Positions, lags and counts by metric name."""

    def service_state(self) -> ServiceState:
        """Views, jobs, webhooks and mails across sellers: for the staff who run the service."""

    def open_conditions(self, limit: int) -> tuple[list[ConditionRow], list[ConditionRow]]:
        """Of every seller: the conditions that are open, and the last sweeps that ended late."""

    def budgets(self, seller_id: UUID) -> list[BudgetLevel]:
        """What the seller's calls to the marketplaces may still be."""

    def is_stopping(self) -> bool:
        """The server was asked to stop: every open stream ends now."""

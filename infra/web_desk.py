"""The desk that the web application works at: this process's connections, keys and shops."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Event, Lock
from typing import Any, get_args
from uuid import UUID

import psycopg

from domain.breaker import Marketplace
from domain.contacts import Contact, ContactState
from domain.evidence import EvidenceFile, OwnKind
from domain.facts import Recorded
from domain.hints import Taken
from domain.operations import BudgetLevel, ServiceState
from domain.ports import Clock
from domain.seller import SecretKind
from domain.sync_sweep import SweepKind
from infra.budgets import Budgets, Rate
from infra.database import Connection
from infra.feed import events_after, log_head, shown_position
from infra.hint_intake import HintIntake
from infra.history import History
from infra.installation import WEB_PATIENCE_SECONDS, Installation, image_origins
from infra.request_limits import RequestLimits
from infra.service_state import budgets_of, service_state
from infra.transparency.desk import TransparencyDesk
from infra.transparency.log_state import log_state
from infra.webhooks.desk import WebhookDesk
from projections import conditions
from projections.conditions import ConditionRow

POSITION_SECONDS = 0.02
APPLICATIONS_RATE = Rate(5 / 3600, 5)

# One stream, in order, up to an instant or a version.
HISTORY = """
    SELECT notification_id, recorded_at, seller_id, originator_id, originator_version, topic, state
    FROM asin_sync_events
    WHERE originator_id = %(id)s
      AND (%(until)s::timestamptz IS NULL OR recorded_at <= %(until)s)
      AND (%(version)s::bigint IS NULL OR originator_version <= %(version)s)
    ORDER BY originator_version
"""

# Projections that can't go on, and how far behind the log each one is.
STOPPED = (
    "SELECT name, stopped_at_position, error FROM projection_positions WHERE error IS NOT NULL"
)
POSITIONS = "SELECT name, position FROM projection_positions"


class WebDesk:
    """Implements `api.desk.Desk` by shape; `api` and `infra` know nothing of each other."""

    def __init__(self, installation: Installation, clock: Clock) -> None:
        self._installation = installation
        self._database = installation.database
        self._stopping = Event()
        self._position = (0.0, 0)
        self._lock = Lock()
        self._asking = asyncio.Lock()
        self.app = installation.app
        self.clock = clock
        self.keys = installation.api_keys
        buckets = Budgets(self._database, table="request_budget", utilisation=1)
        self.limits = RequestLimits(buckets, int(installation.settings.requests_a_minute))
        self.shops = installation.shops(clock, self._stopping, WEB_PATIENCE_SECONDS)
        self.webhooks = WebhookDesk(
            self._database, installation.secrets, installation.sender(), clock
        )
        self.consents = installation.consents(clock)
        self.transparency = TransparencyDesk(
            installation.database, installation.log_keys, installation.settings.trust_policy
        )
        self.people = installation.people(clock)
        self.sign_ins = installation.sign_ins(self.people, clock)
        self.session_secret = installation.keys.session
        self.hints = HintIntake(self._database, installation.keys.session, clock)
        self.is_sandbox = installation.settings.is_sandbox
        self.is_mail_on = installation.settings.mail_server is not None
        self.image_origins = image_origins(installation.settings)

    def reading_for(self, seller_id: UUID) -> AbstractContextManager[Connection]:
        return self._database.reading_for(seller_id)

    def reading_for_staff(self) -> AbstractContextManager[Connection]:
        return self._database.reading_for_staff()

    def application_delay(self, client: str) -> float:
        """Addresses are told apart by a keyed digest: none is stored."""
        digest = hmac.digest(self._installation.keys.pepper, client.encode(), "sha256")
        owner = f"applicant:{digest.hex()[:24]}"
        return self._installation.budgets.take(owner, "apply", APPLICATIONS_RATE, 1)

    async def position_soon(self) -> int:
        """One request asks for all that wait with it."""
        if self._is_position_old():
            async with self._asking:
                if self._is_position_old():
                    await asyncio.to_thread(self.position)
        return self._position[1]

    def _is_position_old(self) -> bool:
        return time.monotonic() - self._position[0] > POSITION_SECONDS

    def position(self) -> int:
        """At most 20 ms old, so that any number of requests cost fifty look-ups a second."""
        if not self._is_position_old():
            return self._position[1]
        with self._lock, self._database.pool("reader").connection() as connection:
            self._position = (time.monotonic(), shown_position(connection))
        return self._position[1]

    def is_recorded(self, position: int) -> bool:
        with self._database.pool("projector").connection() as connection:
            return log_head(connection) >= position

    def history(
        self,
        seller_id: UUID,
        originator_id: UUID,
        *,
        until: datetime | None = None,
        at_version: int | None = None,
    ) -> History:
        parameters = {"id": originator_id, "until": until, "version": at_version}
        with self.reading_for(seller_id) as connection:
            return History(connection.cursor(binary=True).execute(HISTORY, parameters).fetchall())

    def events_after(
        self, seller_id: UUID, after: int, until: int, types: Sequence[str], limit: int
    ) -> list[Recorded]:
        with self.reading_for(seller_id) as connection:
            return events_after(connection, seller_id, after, until, types, limit)

    def store_secret(self, seller_id: UUID, kind: SecretKind, token: str) -> None:
        self._installation.secrets.store(seller_id, kind, token)

    def store_evidence(
        self, seller_id: UUID, content: bytes, made_as: OwnKind | None = None
    ) -> EvidenceFile:
        return self._installation.evidence.store(seller_id, content, made_as)

    def evidence(self, seller_id: UUID, sha256: str) -> tuple[str, bytes] | None:
        return self._installation.evidence.find(seller_id, sha256)

    def contacts(self, seller_id: UUID) -> list[ContactState]:
        return self._installation.contacts.all(seller_id)

    def replace_contacts(self, seller_id: UUID, contacts: Sequence[Contact]) -> None:
        self._installation.contacts.replace(seller_id, contacts)

    def faults(self) -> list[str]:
        try:
            with self._database.pool("projector").connection(timeout=2) as connection:
                rows = connection.execute(STOPPED).fetchall()
        except psycopg.Error as error:
            return [f"Postgres does not answer: {error}"]
        return [f"{name} stopped at position {at}: {error}" for name, at, error in rows]

    def figures(self) -> dict[str, float]:
        with self._database.pool("projector").connection() as connection:
            positions: list[tuple[str, int]] = connection.execute(POSITIONS).fetchall()
            last = log_head(connection)
            found = conditions.open_counts(connection)
            late_seconds = conditions.worst_late_seconds(connection)
        with self._database.pool("jobs").connection() as connection:
            under_way = conditions.under_way_count(connection, self.clock())
        lags: dict[str, Any] = {f"lag_events_{name}": last - at for name, at in positions}
        received = {
            f'notifications_{name}{{type="{kind}"}}': number
            for kind, numbers in self.hints.totals().items()
            for name, number in zip(Taken._fields, numbers, strict=True)
        }
        synced = {
            **of_conditions(found),
            "sweeps_under_way": under_way,
            "sweep_late_seconds_max": late_seconds,
        }
        log = log_state(self._database)
        lags |= {"tlog_lag_events": log.lag_events, "tlog_unsigned_logs": log.unsigned_logs}
        return {"log_position": last, **lags, **synced, **dict(sorted(received.items()))}

    def service_state(self) -> ServiceState:
        return service_state(self._database, self.clock())

    def open_conditions(self, limit: int) -> tuple[list[ConditionRow], list[ConditionRow]]:
        with self._database.pool("projector").connection() as connection:
            found = conditions.open_anywhere(connection, limit)
            return found, conditions.late_anywhere(connection, limit)

    def budgets(self, seller_id: UUID) -> list[BudgetLevel]:
        return budgets_of(self._database, seller_id, self.clock())

    def stop(self) -> None:
        """Every open stream ends now."""
        self._stopping.set()

    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def close(self) -> None:
        self.stop()
        self.shops.close()
        self.webhooks.close()
        self.consents.close()
        self.sign_ins.close()
        self._installation.close()


def of_conditions(found: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """Breakers by marketplace, brakes and delays by sweep; 0 where all is well."""
    subjects = {
        "breakers_open": ("breaker", "marketplace", get_args(Marketplace)),
        "brakes_open": ("brake", "sweep", get_args(SweepKind)),
        "delays_open": ("delay", "sweep", get_args(SweepKind)),
    }
    return {
        f'{name}{{{label}="{subject}"}}': found.get((kind, subject), 0)
        for name, (kind, label, each) in subjects.items()
        for subject in each
    }

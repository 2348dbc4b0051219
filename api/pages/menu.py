"""The menu: which pages there are, and who may open each; nobody is shown a door that is shut."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, get_args

from api.auth import ADMIN_ROLES, OWN_SELLER_ROLES, REVIEWER_ROLES, STAFF_READER_ROLES
from api.l10n import mark
from domain.seller import Role

ALL_ROLES: Collection[Role] = get_args(Role)
OPERATORS: Collection[Role] = ("admin", "support")
"""These look after the service itself."""


class Entry(NamedTuple):
    """A page in the menu. `is_of_seller` pages are about the seller that staff look at."""

    path: str
    icon: str
    message: str
    roles: Collection[Role] = ALL_ROLES
    is_of_seller: bool = True
    has_children: bool = False
    figure: str = ""

    def is_here(self, path: str) -> bool:
        return path == self.path or (self.has_children and path.startswith(f"{self.path}/"))


ONBOARDING = Entry("/onboarding", "steps", mark("Onboarding"))
REVIEW = Entry("/review", "steps", mark("Review"), STAFF_READER_ROLES, is_of_seller=False)
STAFF_TICKETS = Entry(
    "/tickets", "talk", mark("Tickets"), STAFF_READER_ROLES, is_of_seller=False, has_children=True
)
PEOPLE = Entry("/people", "people", mark("People"), ADMIN_ROLES, is_of_seller=False)
SELLER_MENU = (
    REVIEW,
    Entry("/", "pulse", mark("Health score")),
    Entry("/sync-log", "list", mark("Sync log")),
    Entry("/bindings", "link", mark("Bindings"), has_children=True, figure="bindings"),
    Entry("/stock-alerts", "bell", mark("Stock alerts")),
    Entry("/upload", "up", mark("CSV upload"), has_children=True),
    Entry("/validator", "search", mark("Validator")),
    Entry("/pricing-rules", "yen", mark("Pricing rules"), has_children=True),
    STAFF_TICKETS,
    Entry("/tickets", "talk", mark("Tickets"), OWN_SELLER_ROLES, has_children=True),
    Entry("/webhooks", "out", mark("Webhooks")),
    Entry("/api-keys", "key", mark("API keys"), has_children=True),
    Entry("/settings/integration", "plug", mark("Integration")),
    Entry("/audit", "proof", mark("Audit")),
    Entry("/operations", "gauge", mark("Operations")),
    Entry("/failure-report", "down", mark("Failure report")),
    PEOPLE,
    Entry("/docs", "book", mark("API reference"), is_of_seller=False),
)
"""Beside the pages of one seller; its onboarding comes first until it may sync, then last."""
STAFF_MENU = (
    STAFF_TICKETS,
    REVIEW,
    Entry(
        "/review/arbitrage", "warn", mark("Suspicions of arbitrage"), REVIEWER_ROLES,
        is_of_seller=False,
    ),
    Entry("/operations", "gauge", mark("Operations"), OPERATORS, is_of_seller=False),
    PEOPLE,
    Entry("/", "search", mark("Look at a seller"), STAFF_READER_ROLES, is_of_seller=False),
)  # fmt: skip
"""Beside the pages across sellers."""


def seller_menu(role: Role, *, is_sync_enabled: bool) -> list[Entry]:
    entries = [each for each in SELLER_MENU if role in each.roles]
    place = len(entries) if is_sync_enabled else int(role in STAFF_READER_ROLES)
    return [*entries[:place], ONBOARDING, *entries[place:]]


def staff_menu(role: Role) -> list[Entry]:
    return [each for each in STAFF_MENU if role in each.roles]

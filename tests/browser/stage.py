"""A shop with something of everything, its staff and a newcomer, for looking at the pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
from playwright.sync_api import Browser, BrowserContext

from api.ids import public_id
from api.l10n import L10NS
from api.languages import LANGUAGE_COOKIE
from api.ticket_opening import Asking, open_from
from domain.asin_binding.facts import AttemptFailed, StockAdjusted
from domain.error_codes import Language
from domain.seller import Role
from domain.stamps import Work
from domain.values import binding_id_of
from infra.installation import Installation
from infra.projection_engine import ProjectionEngine
from infra.web_desk import WebDesk
from tests.api.page_data import (
    edited_by_hand,
    listed_binding,
    open_upload,
    record,
    rejected_binding,
    settle,
    stamp,
)
from tests.api.sync_scene import SyncScene, held_changes
from tests.api.test_arbitrage import suspect
from tests.api.visiting import WHY
from tests.api.web_server import serving
from tests.browser.inspection import Look
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller

STAFF: tuple[Role, ...] = ("support", "reviewer", "auditor", "admin")
REASON = WHY["access-reason"]
Cookies = list[dict[str, object]]


@dataclass
class Stage:
    """The application with one seller's key, one key of each kind of staff, and named things."""

    desk: WebDesk
    installation: Installation
    address: str
    seller: LinkedSeller
    newcomer: LinkedSeller
    keys: Mapping[str, str]
    names: dict[str, str]

    @property
    def seller_id(self) -> UUID:
        return self.seller.seller_id

    def url(self, address: str) -> str:
        """An address of the application, with `{names}` of this stage filled in."""
        return self.address + address.format(**self.names)

    def sign_in(self, context: BrowserContext, role: str) -> None:
        """As a person does; staff say then why they look at the seller."""
        page = context.new_page()
        page.goto(f"{self.address}/sign-in?lang=en")
        page.get_by_label("API key").fill(self.keys[role])
        page.get_by_role("button", name="Sign in").click()
        if role in STAFF:
            for name in ("seller", "newcomer"):
                page.goto(self.url(f"/bindings?seller_id={{{name}}}&reason={REASON}"))
        page.close()


@contextmanager
def set_up(installation: Installation, sandbox: SandboxServer) -> Iterator[Stage]:
    """The stage, served as long as the block runs."""
    work = Work(lambda: datetime.now(UTC), "test", uuid4())
    name = f"Nagoya Goods {uuid4().hex[:4]}"
    seller = linked_seller(installation, sandbox, work, name=name)
    newcomer = linked_seller(installation, sandbox, work, is_enabled=False)
    stop, engine = threading.Event(), ProjectionEngine(installation.database)
    following = threading.Thread(target=engine.run, args=(stop,))
    following.start()
    desk = WebDesk(installation, lambda: datetime.now(UTC))
    keys = {role: desk.keys.create(role, None, f"{role} desk")[1] for role in STAFF}
    keys["seller"] = desk.keys.create("seller", seller.seller_id, "own")[1]
    keys["newcomer"] = desk.keys.create("seller", newcomer.seller_id, "own")[1]
    with serving(desk) as address:
        yield Stage(desk, installation, address, seller, newcomer, keys, {
            "seller": public_id("sel", seller.seller_id),
            "newcomer": public_id("sel", newcomer.seller_id),
        })  # fmt: skip
    stop.set()
    following.join()
    desk.stop()
    for part in (desk.shops, desk.webhooks, desk.consents):
        part.close()


def furnish(stage: Stage) -> None:
    """Bindings in several states, uploads, tickets, an alert, a suspicion, a webhook, a brake."""
    desk, seller_id, names = stage.desk, stage.seller_id, stage.names
    names["binding"] = listed_binding(desk, seller_id, "B0LISTED01")
    names["version"] = f"{names['binding']}.6"
    edited_by_hand(desk, seller_id, "B0LISTED01")
    for number in (1, 2):
        rejected_binding(desk, seller_id, f"B0REJECT0{number}")
    names["rejected"] = public_id("bnd", binding_id_of(seller_id, "B0REJECT01"))
    upload = open_upload(desk, seller_id, ["B0WAITING1", "B0WAITING2"])
    names["open_upload"] = public_id("sub", upload)
    done = open_upload(desk, seller_id, ["B0WAITING3"])
    settle(desk, seller_id, done, 1)
    names["upload"] = public_id("sub", done)
    fail_an_update(stage, "B0FAILED01")
    run_low(stage, "B0LOWSTCK1")
    suspect(desk, seller_id, "B0RESOLD01")
    scene = SyncScene(desk, seller_id)
    scene.pause("amazon", "E-901")
    scene.brake("status", held_changes("B0LISTED01"))
    scene.delay("stock_price")
    bearer = {"Authorization": f"Bearer {stage.keys['seller']}"}
    body = {"url": "https://hooks.example.com/asin", "types": []}
    httpx.post(
        f"{stage.address}/v1/webhooks", json=body, headers=bearer, timeout=30
    ).raise_for_status()
    names["key"] = desk.keys.all(seller_id)[0].key_id


def fail_an_update(stage: Stage, asin: str) -> None:
    """An update of a listing times out, and the seller asks for help with it."""
    listed_binding(stage.desk, stage.seller_id, asin)
    failed = AttemptFailed(
        stamp=stamp(), operation="update", code="E-901", detail="timed out", attempt=3,
        retry_at=datetime.now(UTC) + timedelta(minutes=5),
    )  # fmt: skip
    record(stage.desk, stage.seller_id, binding_id_of(stage.seller_id, asin), 5, [failed])
    work = Work(stage.desk.clock, "test", uuid4())
    asked = Asking("更新が届きません", "価格が Mercari に届きません。", asin=asin)
    made = open_from(stage.desk, stage.seller_id, asked, "k", work, L10NS["ja"])
    stage.names["ticket"] = public_id("tkt", made.ticket.ticket_id)


def run_low(stage: Stage, asin: str) -> None:
    """Two are left, and the seller's threshold is three."""
    listed_binding(stage.desk, stage.seller_id, asin)
    moved = StockAdjusted(
        stamp=stamp(), from_stock=4, to_stock=0, amazon_quantity=2, stock_threshold=3
    )
    record(stage.desk, stage.seller_id, binding_id_of(stage.seller_id, asin), 5, [moved])


class Rooms:
    """One tab for each reader, language, colour scheme and width, signed in once."""

    def __init__(self, browser: Browser, stage: Stage) -> None:
        self._browser, self._stage = browser, stage
        self._cookies: dict[str, Cookies] = {}
        self._opened: dict[tuple[object, ...], Look] = {}

    def look(
        self, role: str, language: Language, scheme: str, width: int, *, is_scripted: bool = True
    ) -> Look:
        """The tab of this reader; `nobody` is not signed in."""
        key = (role, language, scheme, width, is_scripted)
        if key not in self._opened:
            context = self._browser.new_context(
                locale=L10NS[language].tongue.tag, color_scheme=scheme,  # type: ignore[arg-type]
                java_script_enabled=is_scripted, viewport={"width": width, "height": 900},
            )  # fmt: skip
            context.add_cookies(self.cookies_of(role))  # type: ignore[arg-type]
            self._opened[key] = Look(context, width)
        return self._opened[key]

    def cookies_of(self, role: str) -> Cookies:
        if role == "nobody":
            return []
        if role not in self._cookies:
            context = self._browser.new_context(locale="en-US")
            self._stage.sign_in(context, role)
            kept = [each for each in context.cookies() if each["name"] != LANGUAGE_COOKIE]
            self._cookies[role] = [dict(each) for each in kept]
            context.close()
        return self._cookies[role]

    def close(self) -> None:
        for look in self._opened.values():
            look.page.context.close()

"""Every form of every page: whose it is, what becomes of it without a session, and who sees it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.routing import APIRoute
from psycopg import sql

from api.ids import public_id
from api.pages.menu import ONBOARDING, SELLER_MENU, STAFF_MENU
from api.pages.page_server import PageServer
from api.pages.routes import build_pages
from domain.application import acting_for
from domain.consents import CALLBACK_PATH
from domain.people import PERSON_ROLES, Identity
from domain.seller import Role
from domain.stamps import Work
from infra.demo import Demo, invite_made_up_people
from infra.installation import Installation, oidc_access
from infra.people import People
from infra.projection_engine import ProjectionEngine
from infra.sandbox.identity import PEOPLE
from infra.web_desk import WebDesk
from tests.api.page_data import listed_binding
from tests.api.visiting import csrf_in
from tests.api.web_server import serving
from tests.sandbox_server import SandboxServer
from tests.sellers import linked_seller

WITHOUT_SESSION = ("/apply", "/sign-in", "/sign-in/first")
"""Whoever sends these is nobody yet: what tells ours from others' is where they come from."""
ASIN = "B0FORMS001"
HREF = re.compile(r'href="(/[^"]*)"')
TLS = httpx.create_ssl_context()


@dataclass(frozen=True)
class Served:
    """An installation with one seller, its views following, behind a web server."""

    desk: WebDesk
    address: str
    seller_id: UUID
    seller_key: str
    installation: Installation


@pytest.fixture(scope="module")
def served(module_installation: Installation, sandbox: SandboxServer) -> Iterator[Served]:
    held, stop = module_installation, threading.Event()
    work = Work(lambda: datetime.now(UTC), "test", uuid4())
    seller_id = linked_seller(held, sandbox, work).seller_id
    views = threading.Thread(target=ProjectionEngine(held.database).run, args=(stop,))
    views.start()
    desk = WebDesk(held, work.clock)
    key = held.api_keys.create("seller", seller_id, "test")[1]
    with serving(desk) as address:
        yield Served(desk, address, seller_id, key, held)
    stop.set()
    views.join()
    desk.stop()
    for each in (desk.shops, desk.webhooks, desk.consents, desk.sign_ins):
        each.close()


@contextmanager
def browser_at(address: str, key: str) -> Iterator[httpx.Client]:
    """A browser that says where a form stood, signed in."""
    headers = {"accept-language": "en", "origin": address}
    with httpx.Client(base_url=address, verify=TLS, headers=headers) as opened:
        assert opened.post("/sign-in", data={"key": key}).status_code == 303
        yield opened


def key_of(desk: WebDesk, role: Role, seller_id: UUID) -> str:
    named = seller_id if role in ("seller", "service") else None
    return desk.keys.create(role, named, "test")[1]


def posts(desk: WebDesk) -> list[str]:
    """The address of every form, with ids that could be."""
    ids = {
        "binding_id": public_id("bnd", uuid4()), "seller_id": public_id("sel", uuid4()),
        "ticket_id": public_id("tkt", uuid4()), "key_id": "0" * 12, "action": "preview",
        "item": "undertaking",
    }  # fmt: skip
    return sorted(
        route.path.format_map(ids)
        for route in build_pages(PageServer(desk)).routes
        if isinstance(route, APIRoute) and "POST" in route.methods
    )


def rows_of(installation: Installation) -> dict[str, int]:
    """How many rows each table holds that a form could add to."""
    tables = ("api_key", "seller_secret", "contact", "consent", "person", "person_session")
    with installation.database.pool("keystore").connection() as connection:
        counts = {
            table: connection.execute(
                sql.SQL("SELECT count(*) FROM asin_sync.{}").format(sql.Identifier(table))
            ).fetchone()
            for table in tables
        }
    with installation.database.pool("projector").connection() as connection:
        counts["log"] = connection.execute("SELECT count(*) FROM asin_sync_events").fetchone()
    return {table: int(row[0]) for table, row in counts.items() if row}


def test_no_form_is_taken_without_its_own_sessions_token(served: Served) -> None:
    admin_key = served.desk.keys.create("admin", None, "test")[1]
    forms = [path for path in posts(served.desk) if path not in WITHOUT_SESSION]
    assert len(forms) >= 16
    with browser_at(served.address, served.seller_key) as other:
        foreign = csrf_in(other.get("/").text)
    for key in (served.seller_key, admin_key):
        with browser_at(served.address, key) as browser:
            before = rows_of(served.installation)
            for path in forms:
                for csrf in ({}, {"csrf": foreign}):
                    answer = browser.post(path, data={**csrf, "action": "amazon", "label": "x"})
                    assert answer.status_code in (303, 409), (path, csrf)
                    target = answer.headers.get("location", "/sign-in")
                    assert target.startswith("/sign-in"), (path, target)
            assert rows_of(served.installation) == before


def test_a_form_of_another_site_is_taken_nowhere_and_not_shown_again(served: Served) -> None:
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    with browser_at(served.address, served.seller_key) as browser:
        csrf = csrf_in(browser.get("/").text)
        before = rows_of(served.installation)
        for path in posts(served.desk):
            typed = {"csrf": csrf, "label": "typed-by-evil", "key": served.seller_key, "code": "x"}
            answer = browser.post(path, data=typed, headers=evil)
            assert answer.status_code in (303, 403), path
            assert "typed-by-evil" not in answer.text or path == "/apply", path
            assert "person." not in str(answer.headers.get("set-cookie")), path
        assert rows_of(served.installation) == before


@pytest.mark.parametrize("role", get_args(Role))
def test_each_role_is_shown_the_doors_that_open_and_no_other(served: Served, role: Role) -> None:
    named = f"?seller_id={public_id('sel', served.seller_id)}"
    is_staff = role not in ("seller", "service")
    with browser_at(served.address, key_of(served.desk, role, served.seller_id)) as browser:
        if is_staff:
            browser.get(f"/{named}&reason=looking+around")
        pages = [browser.get(f"/{named}" if is_staff else "/").text]
        pages += [browser.get("/tickets").text] if is_staff else []
        shown = {href.replace("&amp;", "&") for page in pages for href in menu_of(page)}
        for href in shown:
            answer = browser.get(href)
            is_asked_which = href == "/" and is_staff
            assert answer.status_code == 200, (role, href)
            assert "Sign in ·" not in answer.text or is_asked_which, (role, href)
        paths = {href.partition("?")[0] for href in shown}
        entries = {*SELLER_MENU, ONBOARDING, *(STAFF_MENU if is_staff else ())}
        assert paths == {each.path for each in entries if role in each.roles}


def menu_of(page: str) -> list[str]:
    rail = page.partition('<nav class="rail"')[2].partition('<div class="foot">')[0]
    return HREF.findall(rail.partition("<ul>")[2])


def test_a_person_of_a_shop_does_there_what_its_key_may(served: Served) -> None:
    access = oidc_access(served.installation.settings)
    assert access is not None
    work = Work(served.desk.clock, "test", uuid4())
    who = Identity(issuer=access.issuer, subject="s", email="s@shop.example", name="店員")
    served.desk.people.invite("s@shop.example", "seller", served.seller_id, work)
    person = served.desk.people.come_in(who, work)
    assert person is not None
    token = served.desk.people.open_session(person.person_id.hex)
    with httpx.Client(base_url=served.address, verify=TLS, cookies={"asin_sync": token}) as shop:
        csrf = csrf_in(shop.get("/api-keys").text)
        wrong = shop.post("/api-keys", data={"csrf": csrf, "role": "service", "label": ""})
        assert wrong.status_code == 422
        made = shop.post("/api-keys", data={"csrf": csrf, "role": "service", "label": "nightly"})
        assert made.status_code == 201
        away = shop.post("/settings/integration", data={"csrf": csrf, "action": "amazon"})
        parts = urlsplit(away.headers["location"])
        assert parts.path == "/apps/authorize/consent"
        nothing = shop.get(f"{CALLBACK_PATH}?state={parse_qs(parts.query)['state'][0]}&error=x")
        assert "did not complete" in nothing.text
        no_shop = shop.get("/people")
        assert no_shop.status_code == 403
    with acting_for(served.seller_id):
        issued = served.installation.app.facts_of(served.seller_id)[-1]
    assert issued.stamp.actor == f"person:{person.person_id.hex}"


def test_the_made_up_people_are_invited_once_and_known_when_their_provider_has_moved(
    served: Served,
) -> None:
    demo, clock, held = Demo(served.seller_id, ""), served.desk.clock, served.installation
    for _ in range(2):
        invite_made_up_people(served.desk.people, demo, clock)
    made_up = {PEOPLE[role].email: role for role in PERSON_ROLES}
    invited = [each for each in served.desk.people.all() if each.email in made_up]
    assert sorted(each.role for each in invited) == sorted(PERSON_ROLES)
    assert [each.seller_id for each in invited if each.role == "seller"] == [served.seller_id]
    moved = "http://127.0.0.1:1/identity"
    who = Identity(issuer=moved, subject="auditor", email=PEOPLE["auditor"].email, name=None)
    before = People(held.database, held.app, moved, clock).come_in(
        who, Work(clock, "test", uuid4())
    )
    access = oidc_access(held.settings)
    assert (before is not None, access is not None) == (True, True)
    invite_made_up_people(served.desk.people, demo, clock)
    again = who.model_copy(update={"issuer": access.issuer if access else "", "email": None})
    assert served.desk.people.come_in(again, Work(clock, "test", uuid4())) == before


# --- forms that outlive their session -----------------------------------------------------------


def test_what_was_typed_is_sent_after_signing_in_again_in_another_tab(served: Served) -> None:
    with browser_at(served.address, served.seller_key) as browser:
        before = rows_of(served.installation)["api_key"]
        form = {"csrf": csrf_in(browser.get("/api-keys").text), "role": "service",
                "label": "<b>nightly</b>"}  # fmt: skip
        browser.cookies.clear()
        came_from = {"referer": f"{served.address}/api-keys"}
        ended = browser.post("/api-keys", data=form, headers=came_from)
        assert ended.status_code == 401
        assert "&lt;b&gt;nightly&lt;/b&gt;" in ended.text
        assert 'href="/sign-in?next=%2Fapi-keys&amp;sent=no"' in ended.text
        assert "Nothing was sent" in ended.text
        again = {name: value for name, value in form.items() if name != "csrf"}
        browser.post("/sign-in", data={"key": served.seller_key})
        asked = browser.post("/api-keys", data={"csrf": "", **again}, headers=came_from)
        assert (asked.status_code, "Send it now" in asked.text) == (409, True)
        assert rows_of(served.installation)["api_key"] == before
        sent = browser.post("/api-keys", data={"csrf": csrf_in(asked.text), **again})
        assert sent.status_code == 201
        assert served.desk.keys.all(served.seller_id)[0].label == "<b>nightly</b>"


def test_an_upload_without_its_session_says_to_choose_the_file_again(served: Served) -> None:
    with browser_at(served.address, served.seller_key) as browser:
        page = browser.get("/upload").text
        browser.cookies.clear()
        before = rows_of(served.installation)["log"]
        file = {"file": ("a.csv", b"asin,mercari_category_id\nB0XXXXXXXX,sbx-1\n", "text/csv")}
        away = browser.post(
            "/upload", data={"csrf": csrf_in(page)}, files=file,
            headers={"referer": f"{served.address}/upload"},
        )  # fmt: skip
        assert away.headers["location"] == "/sign-in?next=%2Fupload&sent=no"
        door = browser.get(away.headers["location"]).text
        assert "nothing was sent" in door
        assert "Choose the file there again" in door
        form = {"key": served.seller_key, "next": "/upload"}
        assert browser.post("/sign-in", data=form).headers["location"] == "/upload"
        assert rows_of(served.installation)["log"] == before


@pytest.mark.parametrize(
    "referer", ["//evil.example/x", "https://evil.example/upload", "http://[", "javascript:x", ""]
)
def test_the_way_back_from_a_form_is_a_page_of_ours_or_home(served: Served, referer: str) -> None:
    with httpx.Client(base_url=served.address, verify=TLS, headers={"referer": referer}) as browser:
        away = browser.post("/upload", data={"csrf": "x"})
    assert away.headers["location"] == "/sign-in?next=%2F&sent=no"


def test_a_secret_that_was_typed_is_not_shown_again(served: Served) -> None:
    with httpx.Client(
        base_url=served.address, verify=TLS, headers={"origin": served.address}
    ) as browser:
        typed = {"action": "mercari", "access_token": "msp_secret", "shop_id": "shop-1"}
        ended = browser.post("/settings/integration", data=typed)
    assert (ended.status_code, "shop-1" in ended.text) == (401, True)
    assert "msp_secret" not in ended.text


def test_two_people_of_one_shop_who_change_a_binding_at_once_both_know_what_came_of_it(
    served: Served,
) -> None:
    binding = listed_binding(served.desk, served.seller_id, ASIN)
    other_key = key_of(served.desk, "seller", served.seller_id)
    with (
        browser_at(served.address, served.seller_key) as first,
        browser_at(served.address, other_key) as second,
    ):
        forms = [
            {"csrf": csrf_in(each.get(f"/bindings/{binding}").text), "version": "5"}
            for each in (first, second)
        ]
        path = f"/bindings/{binding}"
        taken = first.post(path, data={**forms[0], "action": "withdraw"})
        assert taken.headers["location"] == path
        late = second.post(path, data={**forms[1], "action": "resubmit"})
        assert (late.status_code, "Nothing was done" in late.text) == (409, True)
        changed = second.get(f"{path}?view=diff&from=5&to=6")
        assert "Withdrawn" in changed.text
        assert 'name="version" value="6"' in second.get(path).text

"""Signing in with an identity provider: the invited come in, and nobody else by any trick."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from domain import people
from domain.error_codes import LANGUAGES, Language
from domain.errors import NotFound, PersonRefused
from domain.people import SESSION_IDLE, SESSION_LIFETIME, SIGN_IN_LIFETIME, Person
from domain.texts import rule_text
from infra import people_commands
from infra.installation import Installation
from infra.people import People
from infra.sandbox.identity import PEOPLE
from infra.sandbox.identity_tokens import FAULTS
from infra.serving import tell_setup
from infra.web_desk import WebDesk
from tests.api.sign_in_scene import START, SignInScene, Watch, is_signed_in
from tests.api.visiting import csrf_in
from tests.api.web_server import serving
from tests.sandbox_server import SandboxServer

RULES = {
    "none": "token_algorithm", "alg_confusion": "token_algorithm", "other_key": "token_signature",
    "unknown_key": "token_signature", "no_exp": "token_lacks", "expired": "token_expired",
    "bad_aud": "token_audience", "no_aud": "token_lacks", "shared_aud": "token_audience",
    "bad_iss": "token_issuer", "crit": "token_form", "oversize": "token_form",
    "wrong_nonce": "token_nonce", "no_nonce": "token_lacks", "no_sub": "token_lacks",
    "not_a_token": "token_form",
}  # fmt: skip


@pytest.fixture(scope="module")
def served(module_installation: Installation, sandbox: SandboxServer) -> Iterator[SignInScene]:
    watch = Watch()
    desk = WebDesk(module_installation, watch)
    with serving(desk) as address:
        scene = SignInScene(module_installation, sandbox, desk, watch, address)
        yield scene
        for browser in scene.browsers:
            browser.close()
    desk.stop()
    desk.shops.close()
    desk.webhooks.close()
    desk.consents.close()
    desk.sign_ins.close()


@pytest.fixture
def scene(served: SignInScene) -> Iterator[SignInScene]:
    yield served
    served.watch.ahead = timedelta(0)
    served.revoke_all()


def refused_with(
    answer: httpx.Response, rule: str, language: Language = "en", **values: str
) -> None:
    """A page with the code and the next step in the reader's language, and no session."""
    assert rule.replace("_", "-") in answer.text, answer.text
    assert rule_text(rule, values, language) in unescape(answer.text)
    assert answer.status_code >= 400
    assert "set-cookie" not in answer.headers


def test_whoever_was_invited_signs_in_and_comes_to_where_they_wanted(scene: SignInScene) -> None:
    person = scene.invite("support", "support")
    browser = scene.browser()
    back = browser.get(scene.way_back(browser, "/tickets?state=open", person="support"))
    assert (back.status_code, back.headers["location"]) == (303, "/tickets?state=open")
    session = next(each for each in back.headers.get_list("set-cookie") if "person." in each)
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert browser.get("/tickets?state=open").status_code == 200
    joined = scene.of("support")
    assert (joined.name, joined.joined_at is not None) == (PEOPLE["support"].name, True)
    told = scene.facts_of(person)
    assert [type(each) for each in told] == [people.Invited, people.Joined]
    assert told[1].stamp.actor == f"person:{person.person_id.hex}"
    assert PEOPLE["support"].email not in str(told)


def test_the_provider_is_asked_for_a_code_by_pkce_with_state_and_nonce(scene: SignInScene) -> None:
    asked = [
        parse_qs(urlsplit(scene.browser().get(START).headers["location"]).query) for _ in range(2)
    ]
    for each in asked:
        assert each["response_type"] == ["code"]
        assert each["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len({each[name][0] for each in asked}) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_token_that_must_not_be_believed_opens_nothing(scene: SignInScene, fault: str) -> None:
    scene.invite("admin", "admin")
    language = LANGUAGES[sorted(FAULTS).index(fault) % len(LANGUAGES)]
    browser = scene.browser(language)
    answer = browser.get(scene.way_back(browser, person="admin", fault=fault))
    refused_with(answer, RULES[fault], language)
    assert not is_signed_in(browser)
    assert scene.of("admin").joined_at is None


def test_a_state_is_good_once_and_only_in_its_own_browser(scene: SignInScene) -> None:
    scene.invite("admin", "admin")
    browser, other = scene.browser(), scene.browser()
    way = scene.way_back(browser, person="admin")
    scene.way_back(other, person="admin")
    refused_with(other.get(way), "sign_in_browser")
    refused_with(scene.browser().get(way), "sign_in_browser")
    assert browser.get(way).status_code == 303
    refused_with(browser.get(way), "sign_in_used")
    refused_with(browser.get("/sign-in/back?state=x&code=y"), "sign_in_unknown")
    refused_with(browser.get("/sign-in/back"), "sign_in_unknown")
    assert not is_signed_in(other)


def test_an_answer_that_comes_again_is_refused(scene: SignInScene) -> None:
    browser = scene.browser()
    way = scene.way_back(browser, person="stranger")
    refused_with(browser.get(way), "person_unknown", email=PEOPLE["stranger"].email)
    refused_with(browser.get(way), "sign_in_used")


def test_an_answer_after_ten_minutes_is_refused(scene: SignInScene) -> None:
    scene.invite("admin", "admin")
    browser = scene.browser("ja")
    way = scene.way_back(browser, person="admin")
    scene.watch.ahead = SIGN_IN_LIFETIME
    refused_with(browser.get(way), "sign_in_expired", "ja")


def test_who_says_no_at_the_provider_is_told_so(scene: SignInScene) -> None:
    browser = scene.browser("zh")
    refused_with(browser.get(scene.way_back(browser, allow=False)), "sign_in_denied", "zh")


def test_an_answer_of_another_provider_is_refused(scene: SignInScene) -> None:
    browser = scene.browser()
    way = scene.way_back(browser, person="admin")
    refused_with(browser.get(f"{way}&iss=https%3A%2F%2Fevil.example"), "token_issuer")


def test_an_email_that_is_not_verified_takes_no_invitation(scene: SignInScene) -> None:
    scene.invite("admin", "admin")
    browser = scene.browser()
    refused_with(browser.get(scene.way_back(browser, person="unverified")), "person_unverified")
    assert scene.of("admin").joined_at is None


def test_an_invitation_ends_after_two_weeks(scene: SignInScene) -> None:
    scene.watch.ahead = -people.INVITATION_LIFETIME - timedelta(minutes=1)
    scene.invite("support", "support")
    scene.watch.ahead = timedelta(0)
    browser = scene.browser()
    answer = browser.get(scene.way_back(browser, person="support"))
    refused_with(answer, "person_unknown", email=PEOPLE["support"].email)


@pytest.mark.parametrize(
    "target", ["//evil.example", "https:evil.example", "\\\\evil.example", "/\\evil", "/\tevil"]
)
def test_the_way_back_leads_to_no_other_site(scene: SignInScene, target: str) -> None:
    scene.invite("auditor", "auditor")
    browser = scene.browser()
    back = browser.get(scene.way_back(browser, target, person="auditor"))
    assert back.headers["location"] == "/tickets"


def test_revoking_a_person_ends_every_session_at_once(scene: SignInScene) -> None:
    person = scene.invite("auditor", "auditor")
    first, second = scene.signed_in("auditor"), scene.signed_in("auditor")
    assert (is_signed_in(first), is_signed_in(second)) == (True, True)
    scene.desk.people.revoke(person.person_id, scene.work())
    assert (is_signed_in(first), is_signed_in(second)) == (False, False)
    browser = scene.browser()
    answer = browser.get(scene.way_back(browser, person="auditor"))
    refused_with(answer, "person_unknown", email=PEOPLE["auditor"].email)
    assert isinstance(scene.facts_of(person)[-1], people.Revoked)


def test_signing_out_ends_the_session_on_the_server(scene: SignInScene) -> None:
    scene.invite("admin", "admin")
    browser = scene.signed_in("admin")
    kept = dict(browser.cookies)
    browser.post("/sign-out", data={"csrf": csrf_in(browser.get("/people").text)})
    thief = scene.browser()
    thief.cookies.update(kept)
    assert not is_signed_in(thief)


def test_a_new_sign_in_ends_the_session_that_the_browser_held(scene: SignInScene) -> None:
    scene.invite("admin", "admin")
    browser = scene.signed_in("admin")
    before = dict(browser.cookies)
    assert browser.get(scene.way_back(browser, person="admin")).status_code == 303
    assert dict(browser.cookies) != before
    thief = scene.browser()
    thief.cookies.update(before)
    assert (is_signed_in(browser), is_signed_in(thief)) == (True, False)


def test_a_session_ends_when_it_lies_idle_and_at_the_latest_after_its_lifetime(
    scene: SignInScene,
) -> None:
    scene.invite("admin", "admin")
    used, idle = scene.signed_in("admin"), scene.signed_in("admin")
    step = SESSION_IDLE - timedelta(minutes=1)
    while scene.watch.ahead + step < SESSION_LIFETIME:
        scene.watch.ahead += step
        assert is_signed_in(used)
    assert not is_signed_in(idle)
    scene.watch.ahead = SESSION_LIFETIME
    assert not is_signed_in(used)


def test_a_session_of_another_provider_opens_nothing(scene: SignInScene) -> None:
    scene.invite("admin", "admin")
    browser = scene.signed_in("admin")
    token = next(value for value in browser.cookies.values() if value.startswith("person."))
    held = scene.installation
    elsewhere = People(held.database, held.app, "https://another.example", scene.watch)
    assert elsewhere.holder(token, is_use=False) is None
    assert scene.desk.people.holder(token, is_use=False) is not None


def people_at(scene: SignInScene, issuer: str):  # type: ignore[no-untyped-def]
    held = scene.installation
    return type(scene.desk.people)(held.database, held.app, issuer, scene.watch)


def test_a_person_who_is_forgotten_is_an_id_and_no_more(scene: SignInScene) -> None:
    person = scene.invite("auditor", "auditor")
    scene.signed_in("auditor")
    scene.desk.people.revoke(person.person_id, scene.work())
    scene.desk.people.forget(person.person_id, scene.work())
    with scene.installation.database.pool("keystore").connection() as connection:
        row = connection.execute(
            "SELECT email, name, issuer, subject FROM asin_sync.person WHERE person_id = %s",
            (person.person_id,),
        ).fetchone()
    assert row == (None, None, None, None)
    assert isinstance(scene.facts_of(person)[-1], people.Forgotten)


# --- the page of people -------------------------------------------------------------------------


def test_administrators_invite_and_revoke_on_a_page_that_is_theirs_alone(
    scene: SignInScene,
) -> None:
    for role in ("admin", "support"):
        scene.invite(role, role)
    admin, support = scene.signed_in("admin"), scene.signed_in("support")
    assert support.get("/people").status_code == 403
    csrf = csrf_in(admin.get("/people").text)
    form = {"csrf": csrf, "action": "invite", "email": "New@Shop.example", "role": "auditor"}
    assert admin.post("/people", data=form).headers["location"] == "/people"
    page = admin.get("/people").text
    assert "new@shop.example" in page
    invited = next(each for each in scene.desk.people.all() if each.email == "new@shop.example")
    assert scene.facts_of(invited)[0].stamp.actor == f"person:{scene.of('admin').person_id.hex}"
    told = {"csrf": csrf, "action": "revoke", "person": str(scene.of("support").person_id)}
    assert admin.post("/people", data=told).status_code == 303
    assert not is_signed_in(support)


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({"email": "a@b", "role": "admin"}, "person_email"),
        ({"email": "a@b.example\nBcc: x", "role": "admin"}, "person_email"),
        ({"email": "a@b.example", "role": "service"}, "person_role"),
        ({"email": "a@b.example", "role": "seller"}, "person_seller"),
        ({"email": PEOPLE["admin"].email, "role": "support"}, "person_known"),
    ],
)
def test_what_is_no_invitation_is_refused_and_nothing_is_changed(
    scene: SignInScene, asked: dict[str, str], rule: str
) -> None:
    scene.invite("admin", "admin")
    admin = scene.signed_in("admin")
    before = scene.desk.people.all()
    form = {"csrf": csrf_in(admin.get("/people").text), "action": "invite", **asked}
    answer = admin.post("/people", data=form)
    assert (answer.status_code, rule_text(rule, {}, "en") in answer.text) == (422, True)
    assert scene.desk.people.all() == before


def test_the_last_administrator_stays(scene: SignInScene) -> None:
    scene.invite("admin", "admin")
    admin = scene.signed_in("admin")
    form = {"csrf": csrf_in(admin.get("/people").text), "action": "revoke",
            "person": str(scene.of("admin").person_id)}  # fmt: skip
    answer = admin.post("/people", data=form)
    assert answer.status_code == 422
    assert rule_text("person_last_admin", {}, "en") in answer.text
    assert is_signed_in(admin)


def test_two_administrators_who_revoke_each_other_at_once_leave_one(scene: SignInScene) -> None:
    for who in ("admin", "support"):
        scene.invite(who, "admin")
        scene.signed_in(who)
    pair = [scene.of("admin"), scene.of("support")]

    def revoke(person: Person) -> bool:
        try:
            scene.desk.people.revoke(person.person_id, scene.work())
        except PersonRefused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(revoke, pair)) == [False, True]
    assert sum(each.revoked_at is None for each in scene.desk.people.all()) == 1


def test_operators_invite_and_revoke_even_the_last_administrator(scene: SignInScene) -> None:
    held, email = scene.installation, PEOPLE["admin"].email
    for _ in range(2):
        made = people_commands.invite(held, f" {email.upper()} ", "admin", None, scene.watch)
    [invited] = [each for each in scene.desk.people.all() if each.revoked_at is None]
    assert (str(invited.person_id), invited.email) == (made["person_id"], email)
    browser = scene.signed_in("admin")
    told = people_commands.revoke(held, made["person_id"], scene.watch, is_forgotten=True)
    assert told["is_forgotten"]
    assert not is_signed_in(browser)
    facts = scene.facts_of(invited)
    assert [type(each) for each in facts[2:]] == [people.Revoked, people.Forgotten]
    assert {each.stamp.actor for each in facts if not isinstance(each, people.Joined)} == {
        "operator"
    }
    for wrong in ("x", str(uuid4()), made["person_id"]):
        with pytest.raises(NotFound):
            people_commands.revoke(held, wrong, scene.watch, is_forgotten=True)


# --- the first administrator --------------------------------------------------------------------


def test_the_first_administrator_gives_the_set_up_code_once(scene: SignInScene) -> None:
    code = scene.desk.sign_ins.make_setup_code()
    assert code is not None
    assert re.fullmatch(r"(?:[2-9A-Z]{5}-){3}[2-9A-Z]{5}", code)
    browser, other = scene.browser(), scene.browser()
    for each, who in ((browser, "admin"), (other, "stranger")):
        back = each.get(scene.way_back(each, person=who))
        assert back.headers["location"] == "/sign-in/first"
        assert not is_signed_in(each)
    form = {"csrf": csrf_in(browser.get("/sign-in/first").text), "code": "AAAAA-AAAAA"}
    assert browser.post("/sign-in/first", data=form).status_code == 403
    foreign = {"csrf": csrf_in(other.get("/sign-in/first").text), "code": code}
    assert browser.post("/sign-in/first", data=foreign).status_code == 403
    assert not is_signed_in(browser)
    inside = browser.post("/sign-in/first", data=form | {"code": f" {code.lower()} "})
    assert inside.headers["location"] == "/people"
    assert browser.get("/people").status_code == 200
    refused_with(other.post("/sign-in/first", data=foreign), "setup_over")
    assert scene.desk.sign_ins.make_setup_code() is None
    assert [type(each) for each in scene.facts_of(scene.of("admin"))] == [
        people.Invited, people.Joined,
    ]  # fmt: skip


def test_the_terminal_shows_the_set_up_code_where_a_provider_is_set(scene: SignInScene) -> None:
    said: list[str] = []
    held = scene.installation.settings
    tell_setup(scene.desk, held, said.append)
    assert said == []
    tell_setup(scene.desk, replace(held, oidc_issuer="https://id.example"), said.append)
    assert re.search(r"set-up code.*([2-9A-Z]{5}-){3}", said[1])
    assert not any("code=" in each or "#" in each for each in said)


def test_a_new_start_makes_the_code_before_worthless(scene: SignInScene) -> None:
    before = scene.desk.sign_ins.make_setup_code()
    assert scene.desk.sign_ins.make_setup_code() != before
    browser = scene.browser()
    browser.get(scene.way_back(browser, person="admin"))
    form = {"csrf": csrf_in(browser.get("/sign-in/first").text), "code": before}
    assert browser.post("/sign-in/first", data=form).status_code == 403
    scene.invite("support", "admin")
    scene.signed_in("support")
    assert scene.desk.sign_ins.make_setup_code() is None
    assert browser.get("/sign-in/first").status_code == 403


def test_a_sign_in_begins_under_the_name_that_the_provider_leads_back_to(
    scene: SignInScene,
) -> None:
    browser = scene.browser()
    port = urlsplit(scene.address).port
    other_name = browser.get(f"http://localhost:{port}{START}?next=/upload")
    target = urlsplit(other_name.headers["location"])
    assert (target.hostname, target.path, target.query) == ("127.0.0.1", START, "next=%2Fupload")
    assert "set-cookie" not in other_name.headers
    from_elsewhere = {"sec-fetch-site": "cross-site"}
    assert (
        browser.get(START, headers=from_elsewhere).headers["location"].startswith(scene.sandbox.url)
    )
    unsafe = browser.get(START, headers={"host": "sync.example"})
    assert (unsafe.status_code, "over https" in unsafe.text) == (403, True)


def test_the_sign_in_says_that_the_provider_is_for_development(scene: SignInScene) -> None:
    page = scene.browser().get("/sign-in?next=%2Fupload&sent=no").text
    assert "Development sign-in" in page
    assert 'href="/sign-in/start?next=%2Fupload"' in page
    assert "nothing was sent" in page
    assert "Choose the file there again" in page

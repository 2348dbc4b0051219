"""Linking Amazon by consent: each state once, in time, for its seller; else nothing is kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import seller as facts
from domain.application import acting_for
from domain.consents import SCOPES, Browser, Consent, ConsentAnswer
from domain.errors import ConsentRefused
from domain.ports import UpstreamError, UpstreamRefused, UpstreamThrottled, UpstreamUnavailable
from domain.stamps import Work
from infra import diagnosis
from infra.amazon.consent import AmazonConsents
from infra.installation import Installation, consent_access
from infra.settings import Settings, described
from tests.infra.amazon_replies import StandingClock
from tests.infra.mutations import bodies
from tests.infra.scripted_server import Reply, ScriptedServer, json_reply, reply
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller

HERE = "http://localhost/oauth/amazon/callback"
ASK_HERE = (
    f"http://sandbox/?{urlencode({'application_id': 'a', 'state': 's', 'redirect_uri': HERE})}"
)
GRANT = {
    "access_token": "Atza|x", "refresh_token": "Atzr|new", "token_type": "bearer",
    "expires_in": 3600, "scope": "products::read catalog:read",
}  # fmt: skip
GARBAGE: list[tuple[Reply, type[UpstreamError]]] = [
    (json_reply({"error": "invalid_client"}, 401), UpstreamRefused),
    (json_reply({"error": "RHsecretcode"}, 400), UpstreamRefused),
    (reply(400, b"<html>", "text/html"), UpstreamUnavailable),
    (json_reply({"message": "forbidden"}, 403), UpstreamUnavailable),
    (json_reply({"error": "server_error"}, 500), UpstreamUnavailable),
    (reply(429), UpstreamThrottled),
    (reply(200, b""), UpstreamUnavailable),
    (reply(302, b"", Location="http://127.0.0.1:9/"), UpstreamUnavailable),
    (json_reply([]), UpstreamUnavailable),
    (json_reply({**GRANT, "refresh_token": "a\r\nX: y"}), UpstreamUnavailable),
    (json_reply({**GRANT, "refresh_token": ""}), UpstreamUnavailable),
    (json_reply({**GRANT, "refresh_token": None}), UpstreamUnavailable),
    (json_reply({**GRANT, "refresh_token": "x" * 5000}), UpstreamUnavailable),
    (json_reply({**GRANT, "token_type": "mac"}), UpstreamUnavailable),
    (json_reply({**GRANT, "scope": ["products::read"]}), UpstreamUnavailable),
    (json_reply({**GRANT, "expires_in": "3600"}), UpstreamUnavailable),
]


class Linking:
    """A seller, its key, and what asks for its consent at the sandbox, at a clock that stands."""

    def __init__(self, installation: Installation, sandbox: SandboxServer, shop: LinkedSeller):
        self.installation, self.sandbox, self.shop = installation, sandbox, shop
        self.clock = StandingClock()
        self.opened: list[AmazonConsents] = []
        self.key_id = installation.api_keys.create("seller", shop.seller_id, "test")[0]
        self.consents = self.at(consent_access(installation.settings).login_url)
        self.before = self.kept()

    def at(self, login_url: str) -> AmazonConsents:
        """The same, with codes exchanged at this address."""
        held = self.installation
        access = replace(consent_access(held.settings), login_url=login_url)
        made = AmazonConsents(
            access, held.database, held.secrets, held.api_keys, held.app, self.clock
        )
        self.opened.append(made)
        return made

    def begin(self, browser: Browser | None = None) -> Consent:
        return self.consents.begin(self.shop.seller_id, self.key_id, browser)

    def allowed(self, consent: Consent, name: str | None = None, **fields: object) -> ConsentAnswer:
        """What the sandbox's page leads back with."""
        answered = self.sandbox.control(
            "consent", seller=name or self.shop.name, url=consent.consent_url, **fields
        )
        return answer_in(answered["leads_to"])

    def kept(self) -> tuple[str | None, int]:
        """The refresh token at rest, and how often the log says that Amazon was linked."""
        token = self.installation.secrets.find(self.shop.seller_id, "amazon_refresh_token")
        return token, len(self.links())

    def links(self) -> list[facts.AmazonLinked]:
        with acting_for(self.shop.seller_id):
            found = self.installation.app.facts_of(self.shop.seller_id)
        return [each for each in found if isinstance(each, facts.AmazonLinked)]

    def refused(self, answer: ConsentAnswer, browser: Browser | None = None) -> ConsentRefused:
        """The refusal of this answer, after which nothing is other than before."""
        with pytest.raises(ConsentRefused) as caught:
            self.consents.complete(answer, browser)
        assert self.kept() == self.before
        assert caught.value.code == "E-401"
        return caught.value


@pytest.fixture
def linking(
    installation: Installation, sandbox: SandboxServer, seller: LinkedSeller
) -> Iterator[Linking]:
    installation.secrets.store(seller.seller_id, "amazon_refresh_token", "Atzr|before")
    made = Linking(installation, sandbox, seller)
    yield made
    for consents in made.opened:
        consents.close()


def answer_in(address: str) -> ConsentAnswer:
    given = dict(parse_qsl(urlsplit(address).query))
    return ConsentAnswer(
        state=given.get("state", ""),
        selling_partner_id=given.get("selling_partner_id", ""),
        code=given.get("spapi_oauth_code", ""),
        error=given.get("error", ""),
    )


def session(name: str, seller_id: UUID) -> Browser:
    return Browser(session_hash=sha256(name.encode()).digest(), seller_id=seller_id)


def test_a_consent_stores_the_token_and_says_so_with_its_scopes(linking: Linking) -> None:
    answer = linking.allowed(linking.begin())
    assert linking.consents.complete(answer, None) == linking.shop.seller_id
    token, count = linking.kept()
    assert token is not None
    assert token.startswith("Atzr|")
    assert token != "Atzr|before"
    assert count == linking.before[1] + 1
    last = linking.links()[-1]
    assert (last.scopes, last.amazon_seller_id) == (SCOPES, linking.shop.amazon_seller_id)
    assert last.stamp.actor == f"key:{linking.key_id}"


def test_the_address_names_application_state_and_the_callback_and_keeps_its_own_query(
    linking: Linking,
) -> None:
    consent = linking.begin()
    asked = parse_qs(urlsplit(consent.consent_url).query)
    assert asked["version"] == ["beta"]
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/oauth/amazon/callback"]
    assert asked["application_id"] == ["amzn1.sp.solution.sandbox"]
    assert len(asked["state"][0]) == 43
    assert consent.expires_at == linking.clock.now + timedelta(minutes=10)


def test_a_state_is_at_rest_as_a_hash_alone(linking: Linking, database_url: str) -> None:
    state = parse_qs(urlsplit(linking.begin().consent_url).query)["state"][0]
    with psycopg.connect(database_url) as admin:
        rows = admin.execute("SELECT consent::text, state_hash FROM asin_sync.consent").fetchall()
    assert [bytes(row[1]) for row in rows] == [sha256(state.encode()).digest()]
    assert state not in rows[0][0]


def test_a_state_is_answered_once(linking: Linking) -> None:
    consent = linking.begin()
    linking.consents.complete(linking.allowed(consent), None)
    linking.before = linking.kept()
    assert linking.refused(linking.allowed(consent)).rule == "consent_used"


def test_of_many_answers_to_one_state_at_the_same_moment_one_is_taken(linking: Linking) -> None:
    consent = linking.begin()
    answers = [linking.allowed(consent) for _ in range(6)]

    def attempt(answer: ConsentAnswer) -> str:
        try:
            linking.consents.complete(answer, None)
        except ConsentRefused as refused:
            return refused.rule
        return "linked"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(attempt, answers))
    assert outcomes == ["consent_used"] * 5 + ["linked"]
    assert linking.kept()[1] == linking.before[1] + 1


def test_two_consents_open_at_once_are_both_good_once_each(linking: Linking) -> None:
    first, second = linking.begin(), linking.begin()
    for consent in (second, first):
        linking.consents.complete(linking.allowed(consent), None)
    linking.before = linking.kept()
    assert linking.before[1] == 3
    for consent in (first, second):
        assert linking.refused(linking.allowed(consent)).rule == "consent_used"


def test_a_state_ends_after_ten_minutes(linking: Linking) -> None:
    consent = linking.begin()
    linking.clock.now += timedelta(minutes=10)
    assert linking.refused(linking.allowed(consent)).rule == "consent_expired"


@pytest.mark.parametrize("state", ["", "x", "A" * 43, "<script>", "状" * 43, "A" * 42 + "\n"])
def test_a_state_that_is_not_ours_leads_nowhere(linking: Linking, state: str) -> None:
    answer = linking.allowed(linking.begin()).model_copy(update={"state": state})
    assert linking.refused(answer).rule == "consent_unknown"


def test_a_state_of_a_page_is_good_in_the_session_that_asked_alone(
    linking: Linking, installation: Installation, sandbox: SandboxServer, work: Work
) -> None:
    mine = session("mine", linking.shop.seller_id)
    other = linked_seller(installation, sandbox, work, product_count=1)
    answer = linking.allowed(linking.begin(mine))
    rules = {
        "consent_session": (None, session("a later one", linking.shop.seller_id)),
        "consent_other_seller": (session("theirs", other.seller_id),),
    }
    for rule, browsers in rules.items():
        for browser in browsers:
            assert linking.refused(answer, browser).rule == rule
    assert linking.consents.complete(answer, mine) == linking.shop.seller_id


def test_a_state_begun_with_a_key_that_was_revoked_since_leads_nowhere(linking: Linking) -> None:
    answer = linking.allowed(linking.begin())
    linking.installation.api_keys.revoke(linking.key_id, None)
    assert linking.refused(answer).rule == "consent_unknown"


def test_another_sellers_account_is_refused_and_the_right_one_named(
    linking: Linking, installation: Installation, sandbox: SandboxServer, work: Work
) -> None:
    other = linked_seller(installation, sandbox, work, product_count=1)
    refusal = linking.refused(linking.allowed(linking.begin(), name=other.name))
    assert refusal.rule == "consent_other_account"
    assert refusal.values == {"account": linking.shop.amazon_seller_id}


def test_a_no_is_told_and_spends_the_state(linking: Linking) -> None:
    consent = linking.begin()
    assert linking.refused(linking.allowed(consent, allow=False)).rule == "consent_denied"
    assert linking.refused(linking.allowed(consent)).rule == "consent_used"
    odd = linking.allowed(linking.begin()).model_copy(update={"error": "<b>server</b>"})
    assert linking.refused(odd).rule == "consent_failed"


@pytest.mark.parametrize(
    "scope",
    [
        "products::read catalog:read orders:read", "products::read", "", "orders:read",
        "products::read  catalog:read", "products::read catalog:read catalog:read",
        "PRODUCTS::READ catalog:read", "products::read\u00a0catalog:read",
    ],
)  # fmt: skip
def test_a_scope_that_is_not_the_two_is_refused(
    linking: Linking, scope: str, server: ScriptedServer
) -> None:
    server.script(json_reply({}), logins=[json_reply({**GRANT, "scope": scope})])
    linking.consents = linking.at(f"{server.url}/auth/o2/token")
    assert linking.refused(linking.allowed(linking.begin())).rule == "consent_scopes"


@pytest.mark.parametrize("scope", ["products::read catalog:read", "catalog:read products::read"])
def test_the_two_scopes_are_taken_in_either_order(
    linking: Linking, scope: str, server: ScriptedServer
) -> None:
    server.script(json_reply({}), logins=[json_reply({**GRANT, "scope": scope})])
    linking.consents = linking.at(f"{server.url}/auth/o2/token")
    linking.consents.complete(linking.allowed(linking.begin()), None)
    assert linking.kept()[0] == "Atzr|new"


def test_a_broader_scope_of_the_sandbox_is_refused(linking: Linking) -> None:
    linking.sandbox.control("consent-scope", seller=linking.shop.name, scope="orders:read")
    assert linking.refused(linking.allowed(linking.begin())).rule == "consent_scopes"
    linking.sandbox.control("consent-scope", seller=linking.shop.name)
    linking.consents.complete(linking.allowed(linking.begin()), None)


def test_a_code_is_exchanged_once_within_five_minutes_and_for_its_own_address(
    linking: Linking,
) -> None:
    used = linking.allowed(linking.begin())
    linking.consents.complete(used, None)
    linking.before = linking.kept()
    codes = [used.code, "RHnever", "", "a b", "漢字", "x" * 3000]
    for code in codes:
        answer = linking.allowed(linking.begin()).model_copy(update={"code": code})
        assert linking.refused(answer).rule == ("consent_code" if code else "consent_failed")


@pytest.mark.parametrize(("login", "error"), GARBAGE)
def test_a_login_that_makes_no_sense_stores_nothing(
    linking: Linking, server: ScriptedServer, login: Reply, error: type[UpstreamError]
) -> None:
    server.script(json_reply({}), logins=[login])
    linking.consents = linking.at(f"{server.url}/auth/o2/token")
    with pytest.raises(UpstreamError) as caught:
        linking.consents.complete(linking.allowed(linking.begin()), None)
    assert type(caught.value) is error
    assert "RHsecretcode" not in str(caught.value)
    assert linking.kept() == linking.before


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.sampled_from([200, 200, 400, 401, 429, 503]),
    body=bodies(GRANT, {"error": "invalid_grant"}),
)
def test_whatever_the_login_says_the_seller_is_linked_or_nothing_is_kept(
    linking: Linking, server: ScriptedServer, status: int, body: bytes
) -> None:
    server.script(json_reply({}), logins=[reply(status, body)])
    linking.consents = linking.at(f"{server.url}/auth/o2/token")
    before = linking.kept()
    try:
        linking.consents.complete(linking.allowed(linking.begin()), None)
    except (ConsentRefused, UpstreamError):
        assert linking.kept() == before
    else:
        assert linking.kept()[1] == before[1] + 1
        assert status == 200


def test_what_is_secret_is_in_no_error_no_log_and_no_representation(
    linking: Linking, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    linking.installation = replace(
        linking.installation,
        settings=replace(linking.installation.settings, amazon_lwa_client_secret="canary-secret"),
    )
    linking.consents = linking.at(f"{server.url}/auth/o2/token")
    told: list[str] = [repr(consent_access(linking.installation.settings))]
    consent = linking.begin()
    answer = linking.allowed(consent)
    canaries = (answer.code, answer.state, "canary-secret", "canary-token")
    echo = {"error": answer.code, "error_description": f"canary-secret {answer.code}"}
    logins = [json_reply(echo, 400), json_reply({**GRANT, "refresh_token": "canary-token\n"}),
              json_reply({**GRANT, "refresh_token": "canary-token", "scope": "x"})]  # fmt: skip
    for login in logins:
        server.script(json_reply({}), logins=[login])
        held = linking.allowed(linking.begin()).model_copy(update={"code": answer.code})
        with pytest.raises((ConsentRefused, UpstreamError)) as caught:
            linking.consents.complete(held, None)
        told.append(repr(caught.getrepr(chain=True, style="native")))
        told.append("".join(map(str, caught.value.args)))
    told.append(str(linking.refused(answer.model_copy(update={"code": "a b"}))))
    told += [record.getMessage() for record in caplog.records]
    assert "HTTP/1.1 400" in "".join(told), "the log is captured"
    for canary in canaries:
        assert [text for text in told if canary in text] == []


REAL = {"amazon_spapi_url": "https://x", "amazon_lwa_url": "https://x/token",
        "mercari_graphql_url": "https://x/graphql", "url": "https://sync.example/"}  # fmt: skip


def test_with_real_upstreams_the_page_is_amazons_and_needs_an_application(
    linking: Linking,
) -> None:
    held = Settings(**REAL)
    access = consent_access(held)
    assert (access.origin, access.application_id) == ("https://sellercentral.amazon.co.jp", "")
    assert access.callback_url == "https://sync.example/oauth/amazon/callback"
    assert diagnosis.consent(held)[1] == "setting"
    linking.installation = replace(linking.installation, settings=held)
    linking.consents = linking.at(access.login_url)
    with pytest.raises(ConsentRefused) as caught:
        linking.begin()
    assert caught.value.rule == "consent_not_set_up"


def test_the_consents_settings_are_told_and_a_page_that_is_no_address_is_a_fault() -> None:
    held = Settings(**REAL, amazon_application_id="amzn1.sp.solution.1")
    name, state, detail = diagnosis.consent(held)
    assert (name, state) == ("amazon consent", "ok")
    assert "https://sync.example/oauth/amazon/callback" in detail
    assert {"AMAZON_CONSENT_URL", "AMAZON_APPLICATION_ID"} <= {row[0] for row in described(held)}
    assert held.faults() == []
    for wrong in ("ftp://x", "javascript:x", "http://evil.example/"):
        assert len(replace(held, amazon_consent_url=wrong).faults()) == 1


# --- the sandbox's page -------------------------------------------------------------------------


def asked(url: str, **changed: str) -> dict[str, str]:
    return {**dict(parse_qsl(urlsplit(url).query)), **changed}


@pytest.fixture
def page(sandbox: SandboxServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, follow_redirects=False) as client:
        yield client


def test_the_page_shows_sellers_scopes_and_both_answers_and_runs_nothing_it_is_given(
    linking: Linking, page: httpx.Client
) -> None:
    query = asked(linking.begin().consent_url, application_id='"><script>alert(1)</script>')
    shown = page.get("/apps/authorize/consent", params={**query, "seller": linking.shop.name})
    assert shown.status_code == 200
    assert "<script" not in shown.text
    assert f'value="{linking.shop.name}" selected' in shown.text
    assert all(word in shown.text for word in (*SCOPES, "Allow", "拒绝", "許可しない"))


def test_an_answer_on_the_page_leads_back_with_state_account_and_code(
    linking: Linking, page: httpx.Client
) -> None:
    for answer, names in (
        ("allow", {"state", "selling_partner_id", "spapi_oauth_code"}),
        ("deny", {"state", "error"}),
    ):
        query = asked(linking.begin().consent_url)
        led = page.post(
            "/apps/authorize/consent", data={**query, "seller": linking.shop.name, "answer": answer}
        )
        assert led.status_code == 302
        assert led.headers["location"].startswith(f"{query['redirect_uri']}?")
        assert {*asked(led.headers["location"])} == names
        assert asked(led.headers["location"])["state"] == query["state"]


@pytest.mark.parametrize(
    "foreign",
    [
        "https://evil.example/oauth/amazon/callback", "http://127.0.0.1:8000/elsewhere",
        "http://127.0.0.1:8000/oauth/amazon/callback?x=1", "javascript:alert(1)", "",
        "http://127.0.0.1.evil.example/oauth/amazon/callback",
        "http://127.0.0.1:8000@evil.example/oauth/amazon/callback",
        "http://evil.example#@127.0.0.1/oauth/amazon/callback",
        "//127.0.0.1/oauth/amazon/callback", "http://127.0.0.1:99999/oauth/amazon/callback",
        "http://[::1/oauth/amazon/callback", "http://127.0.0.1:8000/oauth/amazon/callback\r\nX: y",
    ],
)  # fmt: skip
def test_a_foreign_address_is_shown_no_page_and_is_never_led_to(
    linking: Linking, page: httpx.Client, foreign: str
) -> None:
    query = asked(linking.begin().consent_url, redirect_uri=foreign)
    for answer in (
        page.get("/apps/authorize/consent", params=query),
        page.post("/apps/authorize/consent", data={**query, "answer": "allow"}),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers


def test_a_code_of_the_sandbox_is_good_once_for_five_minutes_at_its_own_address(
    tmp_path: Path,
) -> None:
    clock = StandingClock()
    with SandboxServer(tmp_path, clock=clock) as sandbox:
        sandbox.control("sellers", name="demo", product_count=1)
        expected = (
            (HERE, 0, (200, "")), (HERE, 299, (200, "")), (HERE, 300, (400, "invalid_grant")),
            ("http://127.0.0.1/oauth/amazon/callback", 0, (400, "invalid_grant")),
        )  # fmt: skip
        for redirect_uri, seconds, outcome in expected:
            code = answer_in(sandbox.control("consent", url=ASK_HERE)["leads_to"]).code
            clock.now += timedelta(seconds=seconds)
            assert exchanged(sandbox, code, redirect_uri) == outcome
            assert exchanged(sandbox, code, HERE) == (400, "invalid_grant")
        code = answer_in(sandbox.control("consent", url=ASK_HERE)["leads_to"]).code
        sandbox.control("revoke")
        assert exchanged(sandbox, code, HERE) == (400, "invalid_grant")


def exchanged(sandbox: SandboxServer, code: str, redirect_uri: str) -> tuple[int, str]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "client_id": "c", "client_secret": "s"}  # fmt: skip
    answer = httpx.post(f"{sandbox.url}/auth/o2/token", data=form)
    return answer.status_code, answer.json().get("error", "")

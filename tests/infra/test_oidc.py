"""The client of identity providers: what it asks, how often, and what it makes of wrong answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from domain.errors import SignInRefused
from infra import diagnosis
from infra.oidc import KEYS_ASKED_AGAIN_AFTER, OidcAccess, OidcProvider, challenge_of
from infra.settings import Settings, described
from tests.infra.amazon_replies import StandingClock
from tests.infra.scripted_server import Reply, ScriptedServer, json_reply, reply

KEY = ECKey.generate_key("P-256", {"kid": "one"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
BACK = "http://127.0.0.1:8000/sign-in/back"
KEYS = {"keys": [KEY.as_dict(private=False), RSA.as_dict(private=False), {"kty": "AKP"}]}


class Provider:
    """A scripted provider and our client of it, at a clock that stands."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server, self.clock = server, StandingClock()
        access = OidcAccess(server.url, "us", "s:cret", BACK)
        self.client = OidcProvider(access, self.clock)

    def configuration(self, **changed: Any) -> dict[str, Any]:
        at = self.server.url
        return {
            "issuer": at, "authorization_endpoint": f"{at}/authorize?tenant=a",
            "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/keys", **changed,
        }  # fmt: skip

    def token(self, key: ECKey | RSAKey = KEY, **changed: Any) -> str:
        now = int(self.clock().timestamp())
        claims = {"iss": self.server.url, "aud": "us", "sub": "s1", "nonce": "n", "iat": now,
                  "exp": now + 300, "email": "A@Shop.example", "email_verified": True,
                  **changed}  # fmt: skip
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key)

    def answers(self, *replies: Reply) -> None:
        self.server.script(*replies)

    def rule(self) -> str:
        with pytest.raises(SignInRefused) as caught:
            self.client.identity("code", "n", "v")
        return caught.value.rule


@pytest.fixture
def provider(server: ScriptedServer) -> Iterator[Provider]:
    made = Provider(server)
    yield made
    made.client.close()


def grant(token: str) -> Reply:
    return json_reply({"id_token": token, "access_token": "at", "token_type": "Bearer"})


def test_a_code_is_exchanged_with_secret_and_verifier_and_its_token_read(
    provider: Provider,
) -> None:
    found = json_reply(provider.configuration())
    for key in (KEY, RSA):
        provider.answers(found, grant(provider.token(key)), json_reply(KEYS))
        who = OidcProvider(OidcAccess(provider.server.url, "us", "s:cret", BACK), provider.clock)
        identity = who.identity("c0de", "n", "verifier")
        who.close()
        assert (identity.subject, identity.email) == ("s1", "a@shop.example")
        asked = provider.server.received[1]
        form = parse_qs(asked.body.decode())
        assert (form["code"], form["code_verifier"]) == (["c0de"], ["verifier"])
        assert asked.headers["authorization"] == "Basic dXM6cyUzQWNyZXQ="


def test_the_page_keeps_the_providers_own_query(provider: Provider) -> None:
    provider.answers(json_reply(provider.configuration()))
    address = provider.client.address("state", "nonce", "verifier")
    assert "tenant=a" in address
    assert f"code_challenge={challenge_of('verifier')}" in address
    assert "verifier" not in address.replace("code_challenge", "")


def test_an_email_that_the_token_leaves_out_is_asked_for_of_the_same_person(
    provider: Provider,
) -> None:
    found = json_reply(provider.configuration(userinfo_endpoint=f"{provider.server.url}/me"))
    bare = provider.token()
    bare = jwt.encode(
        {"alg": "ES256", "kid": "one"},
        {name: value for name, value in jwt.decode(bare, KEY).claims.items()
         if not name.startswith("email")},
        KEY,
    )  # fmt: skip
    told = {"sub": "s1", "email": "b@shop.example", "email_verified": True}
    provider.answers(found, grant(bare), json_reply(KEYS), json_reply(told))
    assert provider.client.identity("c", "n", "v").email == "b@shop.example"
    provider.answers(grant(bare), json_reply({**told, "sub": "other"}))
    assert provider.rule() == "token_form"
    for unverified in ({"email_verified": False}, {"email_verified": "true"}, {"email": 7}):
        provider.answers(grant(bare), json_reply({**told, **unverified}))
        assert provider.client.identity("c", "n", "v").email is None


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"token_endpoint": "ftp://x"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_a_provider_that_says_what_cant_be_is_not_used(
    provider: Provider, changed: dict[str, Any]
) -> None:
    provider.answers(json_reply(provider.configuration(**changed)))
    assert provider.rule() == "provider_unusable"


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (reply(503), "provider_down"),
        (reply(302, b"", Location="http://127.0.0.1:9/"), "provider_down"),
        (reply(200, b"<html>", "text/html"), "provider_down"),
        (reply(200, b"{" * 2_000_000), "provider_down"),
        (json_reply({"error": "not found"}, 404), "provider_unusable"),
        (json_reply([]), "provider_unusable"),
    ],
)
def test_a_provider_that_does_not_answer_lets_nobody_in(
    provider: Provider, answer: Reply, rule: str
) -> None:
    provider.answers(answer)
    assert provider.rule() == rule


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (json_reply({"error": "invalid_grant"}, 400), "provider_refused_code"),
        (json_reply({"error": "invalid_client"}, 401), "provider_refused_code"),
        (json_reply({"access_token": "at"}), "token_form"),
        (json_reply({"id_token": 7, "access_token": "at"}), "token_form"),
        (json_reply({"id_token": "x", "access_token": "a\r\nb"}), "token_form"),
        (grant("a.b"), "token_form"),
        (grant("x" * 20_000), "token_form"),
        (grant("é.é.é"), "token_form"),
    ],
)
def test_a_code_that_is_refused_or_answered_wrongly_lets_nobody_in(
    provider: Provider, answer: Reply, rule: str
) -> None:
    provider.answers(json_reply(provider.configuration()), answer)
    assert provider.rule() == rule


def test_unknown_keys_are_asked_for_once_a_minute_and_new_ones_are_found(
    provider: Provider,
) -> None:
    new = ECKey.generate_key("P-256", {"kid": "two"})
    stale, fresh = json_reply(KEYS), json_reply({"keys": [new.as_dict(private=False)]})
    provider.answers(json_reply(provider.configuration()), grant(provider.token()), stale)
    assert provider.client.identity("c", "n", "v").subject == "s1"
    provider.answers(grant(provider.token(new)))
    for _ in range(5):
        assert provider.rule() == "token_signature"
    assert {each.target for each in provider.server.received} == {"/token"}
    provider.clock.now += KEYS_ASKED_AGAIN_AFTER
    provider.answers(grant(provider.token(new)), fresh)
    assert provider.client.identity("c", "n", "v").subject == "s1"


@pytest.mark.parametrize("seconds", [61, 3600])
def test_a_token_of_the_past_or_the_future_is_refused(provider: Provider, seconds: int) -> None:
    provider.answers(json_reply(provider.configuration()), grant(provider.token()),
                     json_reply(KEYS))  # fmt: skip
    provider.clock.now += timedelta(seconds=300 + seconds)
    assert provider.rule() == "token_expired"
    provider.clock.now -= timedelta(seconds=300 + 2 * seconds)
    provider.answers(grant(provider.token(iat=int(provider.clock().timestamp()) + seconds)))
    assert provider.rule() == "token_form"


def test_the_settings_name_all_of_a_provider_or_none_and_real_data_wants_https() -> None:
    whole = {"oidc_issuer": "https://id.example", "oidc_client_id": "us",
             "oidc_client_secret": "s"}  # fmt: skip
    real = {"amazon_spapi_url": "https://a", "amazon_lwa_url": "https://b",
            "mercari_graphql_url": "https://c"}  # fmt: skip
    here = {**whole, "oidc_issuer": "http://127.0.0.1:9/identity"}
    assert Settings(**whole).faults() == []
    assert Settings(**here).faults() == []
    assert Settings(**whole, **real).faults() == []
    assert "begin it with https" in str(Settings(**here, **real).faults())
    assert "OIDC_CLIENT_SECRET" in str(Settings(**{**whole, "oidc_client_secret": ""}).faults())
    assert ("OIDC_CLIENT_SECRET", "(set)") in [row[:2] for row in described(Settings(**whole))]


def test_the_doctor_tries_the_provider_that_is_set(provider: Provider, tmp_path: Path) -> None:
    none = Settings(data=str(tmp_path))
    there = replace(none, oidc_issuer=provider.server.url, oidc_client_id="us")
    provider.answers(json_reply(provider.configuration()), json_reply({}, 404))
    told = [diagnosis.sign_in(each) for each in (none, there, there)]
    assert [state for _, state, _ in told] == ["setting", "ok", "fault"]
    assert f"leads back to {there.base_url}/sign-in/back" in told[1][2]

"""How the Amazon adapter comes by its permission, keeps it, and notices that it is gone."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import (
    AuthorisationRevoked,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from infra.amazon.login import AmazonAccess
from tests.infra.amazon_replies import (
    DENIED,
    EXPIRED_REPLY,
    StandingClock,
    amazon_at,
    listing,
    refused,
)
from tests.infra.mutations import bodies
from tests.infra.scripted_server import TOKEN_REPLY, Reply, ScriptedServer, json_reply, reply


def test_one_login_serves_many_calls_and_threads(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()), logins=[[0.1, *TOKEN_REPLY]])
    amazon = amazon_at(server, client)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(amazon.read_offer, ["SKU-1"] * 12))
    assert len(server.received) - len(server.asked) == 1
    assert {one.headers["x-amz-access-token"] for one in server.asked} == {"Atza|token"}
    login = next(one for one in server.received if one.method == "POST")
    assert parse_qs(login.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["Atzr|refresh"],
        "client_id": ["client"],
        "client_secret": ["client secret & more"],
    }


def test_a_token_is_renewed_a_minute_before_it_ends(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()))
    clock = StandingClock()
    amazon = amazon_at(server, client, clock)
    for seconds, logins in ((0, 1), (3539, 1), (1, 2)):
        clock.now += timedelta(seconds=seconds)
        amazon.read_offer("SKU-1")
        assert len(server.received) - len(server.asked) == logins


def test_an_expired_token_is_replaced_once(server: ScriptedServer, client: httpx.Client) -> None:
    server.script(EXPIRED_REPLY, json_reply(listing()))
    assert amazon_at(server, client).read_offer("SKU-1").status == "active"
    assert len(server.asked) == 2
    assert len(server.received) == 4


def test_a_token_refused_twice_is_a_permission_lost(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(EXPIRED_REPLY)
    with pytest.raises(AuthorisationRevoked):
        amazon_at(server, client).read_offer("SKU-1")
    assert len(server.asked) == 2


def test_a_denied_resource_is_not_asked_for_again(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(refused(403, "Unauthorized", DENIED))
    with pytest.raises(AuthorisationRevoked):
        amazon_at(server, client).read_offers(["SKU-1"])
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("login", "error"),
    [
        (json_reply({"error": "invalid_grant"}, 400), AuthorisationRevoked),
        (json_reply({"error": "invalid_client"}, 401), UpstreamRefused),
        (reply(400, b"<html>", "text/html"), UpstreamUnavailable),
        (json_reply({"message": "forbidden"}, 403), UpstreamUnavailable),
        (json_reply({"error": "server_error"}, 500), UpstreamUnavailable),
        (reply(429), UpstreamThrottled),
        (json_reply({}), UpstreamUnavailable),
        (json_reply({"access_token": "", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "a\r\nX: y", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "a\n", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "鍵", "expires_in": 3600}), UpstreamUnavailable),
        (json_reply({"access_token": "a", "expires_in": -1}), UpstreamUnavailable),
        (json_reply({"access_token": "a", "expires_in": 10**18}), UpstreamUnavailable),
    ],
)
def test_only_invalid_grant_is_the_sellers_doing(
    login: Reply, error: type[UpstreamError], server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()), logins=[login])
    with pytest.raises(error) as caught:
        amazon_at(server, client).read_offer("SKU-1")
    assert type(caught.value) is error
    assert server.asked == []


def test_secrets_are_in_no_representation_and_no_error(
    server: ScriptedServer, client: httpx.Client
) -> None:
    access = AmazonAccess("client", "s3cret", "Atzr|refresh", "A2EXAMPLE12345")
    assert "s3cret" not in repr(access)
    assert "refresh" not in repr(access).replace("refresh_token", "")
    server.script(json_reply(listing()), logins=[json_reply({"error": "invalid_grant"}, 400)])
    with pytest.raises(AuthorisationRevoked) as caught:
        amazon_at(server, client).read_offer("SKU-1")
    assert "Atzr" not in str(caught.value)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.sampled_from([200, 200, 400, 401, 403, 429, 503]),
    body=bodies({"access_token": "Atza|x", "expires_in": 3600}, {"error": "invalid_grant"}),
)
def test_whatever_the_login_says_the_adapter_answers_or_raises_an_upstream_error(
    status: int, body: bytes, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(listing()), logins=[reply(status, body)])
    outcome = "answered"
    try:
        amazon_at(server, client).read_offer("SKU-1")
    except AuthorisationRevoked:
        outcome = "revoked"
    except UpstreamError:
        outcome = "unknown"
    assert outcome != "revoked" or json.loads(body)["error"] == "invalid_grant"
    assert outcome != "answered" or status == 200

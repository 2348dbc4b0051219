"""Whatever an upstream sends, an answer is complete and strict JSON, or an UpstreamError."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ports import UpstreamError, UpstreamThrottled, UpstreamUnavailable
from infra.http_client import Answer, HttpSettings, Pace, Question, StrictHttp, number_in
from infra.strict_json import NotStrictJson, parse
from tests.infra.hostile_answers import DEEP, HOSTILE_200
from tests.infra.scripted_server import Reply, ScriptedServer, dripped, json_reply, reply

SETTINGS = HttpSettings(timeout_seconds=0.5, body_bytes_max=200_000)


def question(url: str) -> Question:
    return Question("probe", "GET", url, {})


def open_http(client: httpx.Client, **options: Any) -> StrictHttp:
    """One that lets everything through."""
    return StrictHttp("Upstream", client, SETTINGS, allows=lambda *_: True, **options)


def ask(server: ScriptedServer, client: httpx.Client, sent: Reply) -> Answer:
    server.script(sent)
    return open_http(client).ask(question(server.url))


class CountingLimiter:
    """A budget without end that remembers what it was asked and told."""

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.observed: list[tuple[str, float | None, float | None]] = []
        self.pauses: list[tuple[str, float | None]] = []

    def wait(self, operation: str) -> None:
        self.waits.append(operation)

    def pause(self, operation: str, seconds: float | None) -> None:
        self.pauses.append((operation, seconds))

    def observe(
        self, operation: str, rate_per_second: float | None, reset_seconds: float | None
    ) -> None:
        self.observed.append((operation, rate_per_second, reset_seconds))


@pytest.mark.parametrize("name", HOSTILE_200)
def test_a_bad_answer_is_no_answer(name: str, server: ScriptedServer, client: httpx.Client) -> None:
    with pytest.raises(UpstreamUnavailable):
        ask(server, client, HOSTILE_200[name])
    assert len(server.received) == 1


def test_a_well_formed_answer_is_given_as_it_came(
    server: ScriptedServer, client: httpx.Client
) -> None:
    content = {"名": ["時計 ⌚", 1, -2.5, None, True, {"a\\u0000": []}]}
    packed = gzip.compress(json.dumps(content).encode())
    sent = reply(
        body=packed, content_type="application/json;charset=UTF-8", Content_Encoding="gzip"
    )
    assert ask(server, client, sent).content == content
    assert ask(server, client, json_reply(content)).content == content


def test_a_refusal_is_an_answer_with_or_without_json(
    server: ScriptedServer, client: httpx.Client
) -> None:
    assert ask(server, client, json_reply({"errors": []}, 400)).content == {"errors": []}
    answer = ask(server, client, reply(404, b"Not Found", "text/plain; charset=utf-8"))
    assert (answer.status, answer.media_type, answer.content) == (404, "text/plain", None)


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_dripping_answer_ends_at_the_deadline(
    part: str, server: ScriptedServer, client: httpx.Client
) -> None:
    whole = reply(body=b" " * 500 + b"{}")[0]
    assert isinstance(whole, bytes)
    at_once = 0 if part == "head" else whole.index(b"\r\n\r\n") + 4
    begun = time.monotonic()
    with pytest.raises(UpstreamUnavailable):
        ask(server, client, [whole[:at_once], *dripped([whole[at_once:]], 0.02)])
    assert 0.4 < time.monotonic() - begun < 1.0


def test_a_silent_upstream_ends_at_the_deadline(
    server: ScriptedServer, client: httpx.Client
) -> None:
    begun = time.monotonic()
    with pytest.raises(UpstreamUnavailable):
        ask(server, client, [5.0, *json_reply({})])
    assert time.monotonic() - begun < 1.0


def test_a_closed_port_is_an_unavailable_upstream(client: httpx.Client) -> None:
    with ScriptedServer(json_reply({})) as gone:
        url = gone.url
    with pytest.raises(UpstreamUnavailable):
        open_http(client).ask(question(url))


def test_a_bomb_is_never_unpacked_beyond_the_cap(
    server: ScriptedServer, client: httpx.Client
) -> None:
    bomb = reply(body=gzip.compress(b" " * 50_000_000), Content_Encoding="gzip")
    tracemalloc.start()
    try:
        with pytest.raises(UpstreamUnavailable, match="too large"):
            ask(server, client, bomb)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "999999999999"}, 3600.0),
        ({"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"X_Rate": "0.5"}, 2.0),
        ({"X_Rate": "string"}, None),
        ({"X_Rate": "nan"}, None),
        ({"X_Rate": "0"}, None),
    ],
)
def test_a_throttled_answer_is_never_an_empty_success(
    headers: dict[str, str], seconds: float | None, server: ScriptedServer, client: httpx.Client
) -> None:
    limiter = CountingLimiter()
    server.script(reply(429, **headers))
    http = open_http(
        client,
        limiter=limiter,
        pace_of=lambda found: Pace(rate_per_second=number_in(found, "X-Rate")),
    )
    with pytest.raises(UpstreamThrottled) as caught:
        http.ask(question(server.url))
    assert caught.value.retry_after_seconds == seconds
    assert limiter.observed == ([("probe", 0.5, None)] if seconds == 2.0 else [])


def test_each_call_is_budgeted_and_counted_once(
    server: ScriptedServer, client: httpx.Client
) -> None:
    limiter, counted = CountingLimiter(), list[str]()
    http = open_http(client, limiter=limiter, on_call=counted.append)
    server.script(json_reply({}), reply(503))
    http.ask(question(server.url))
    with pytest.raises(UpstreamUnavailable):
        http.ask(question(server.url))
    assert limiter.waits == counted == ["probe", "probe"]
    assert len(server.received) == 2


def test_a_spent_budget_sends_nothing(server: ScriptedServer, client: httpx.Client) -> None:
    class SpentLimiter(CountingLimiter):
        def wait(self, operation: str) -> None:
            raise UpstreamThrottled("Upstream", operation, "the budget is spent")

    server.script(json_reply({}))
    with pytest.raises(UpstreamThrottled):
        open_http(client, limiter=SpentLimiter()).ask(question(server.url))
    assert server.received == []


def test_calls_share_a_kept_alive_connection(client: httpx.Client) -> None:
    with ScriptedServer(json_reply({}, Connection="keep-alive"), keeps_alive=True) as server:
        http = open_http(client)
        for _ in range(3):
            http.ask(question(server.url))
        assert server.connection_count == 1


def test_a_cookie_of_one_seller_is_never_sent_for_another(
    server: ScriptedServer, client: httpx.Client
) -> None:
    ask(server, client, json_reply({}, Set_Cookie="session=seller-one; Path=/"))
    ask(server, client, json_reply({}))
    assert "cookie" not in server.received[-1].headers


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_json_is_written_is_read_back(content: object) -> None:
    assert parse(json.dumps(content).encode()) == content
    assert parse(json.dumps(content, ensure_ascii=False).encode()) == content


def test_sixty_four_levels_are_read_and_sixty_five_are_not() -> None:
    parse(DEEP[1:-1])
    with pytest.raises(NotStrictJson):
        parse(DEEP)


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert parse(rb'["\\u0000"]') == ["\\u0000"]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(
        st.sampled_from(["Location", "Retry-After", "Content-Encoding", "Set-Cookie", "X-Any"]),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=30),
        max_size=3,
    ),
    content_type=st.sampled_from(["application/json", "text/html", "", "a/b; charset=\xff"]),
    body=st.binary(max_size=60) | JSON.map(lambda content: json.dumps(content).encode()),
    cut=st.integers(0, 400),
)
def test_whatever_bytes_come_it_answers_or_raises_an_upstream_error(
    status: int,
    headers: dict[str, str],
    content_type: str,
    body: bytes,
    cut: int,
    server: ScriptedServer,
    client: httpx.Client,
) -> None:
    whole = reply(status, body, content_type, **headers)[0]
    assert isinstance(whole, bytes)
    try:
        answer = ask(server, client, [whole[: cut or len(whole)]])
    except UpstreamError:
        return
    assert answer.status == status
    assert status == 200 or 400 <= status <= 499
    assert status != 200 or answer.content == parse(body)

"""Webhooks and the feed on the command line, against a real server."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli.client import Exit, Server
from api.cli.program import build_cli
from tests.infra.scripted_server import ScriptedServer, reply

Run = Callable[..., Result]


# A command leaves its connection to the end of its process, which is not the end of a test.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def run(address: str, seller_key: str) -> Iterator[Run]:
    cli, runner = build_cli(lambda: Server(address, seller_key)), CliRunner()
    yield lambda *arguments: runner.invoke(cli, list(arguments))
    gc.collect()


@pytest.fixture
def receiver() -> Iterator[ScriptedServer]:
    with ScriptedServer(reply(204)) as server:
        yield server


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_endpoint_is_added_tested_changed_and_removed(
    run: Run, receiver: ScriptedServer
) -> None:
    added = run("webhook", "add", receiver.url, "--type", "asin_binding.", "--type", "seller.")
    made = json.loads(added.stdout)
    assert made["secret"].startswith("whsec_")
    assert run("webhook", "test", made["id"]).exit_code == 0
    receiver.script(reply(500))
    assert run("webhook", "test", made["id"]).exit_code == Exit.SOME_FAILED
    run("webhook", "change", made["id"], "--disable")
    (held,) = lines(run("webhook", "list", "--json"))
    assert (held["types"], held["is_enabled"]) == (["asin_binding.", "seller."], False)
    assert "off: by you" in run("webhook", "list").stdout
    run("webhook", "change", made["id"], "--enable", "--all-types")
    assert json.loads(run("webhook", "show", made["id"]).stdout)["types"] == []
    assert run("webhook", "remove", made["id"]).exit_code == 0
    assert run("webhook", "show", made["id"]).exit_code == Exit.NOT_FOUND


def test_a_refused_address_ends_with_the_rule(run: Run) -> None:
    result = run("webhook", "add", "http://10.0.0.1/", "--lang", "en")
    assert result.exit_code == Exit.FAILED
    assert "public host name" in result.stderr.replace("\n", " ")


def test_resend_says_how_many(run: Run) -> None:
    made = json.loads(run("webhook", "add", "https://hooks.example.com/").stdout)
    result = run("webhook", "resend", made["id"], "--since", "2020-01-01T00:00:00Z")
    assert "events will be sent" in result.stderr
    assert run("webhook", "resend", made["id"]).exit_code == Exit.FAILED


def test_the_feed_is_told_once_from_where_it_was_left(run: Run) -> None:
    everything = lines(run("events", "tail", "--after", "start", "--once", "--json"))
    assert everything[0]["type"] == "seller.registered"
    place = everything[1]["id"]
    rest = lines(run("events", "tail", "--after", place, "--once", "--json"))
    assert rest == everything[2:]
    some = lines(
        run("events", "tail", "--after", "start", "--type", "seller.amazon", "--once", "--json")
    )
    assert [each["type"] for each in some] == ["seller.amazon_linked"]
    assert run("events", "tail", "--after", "x", "--once").exit_code == Exit.FAILED


@pytest.mark.parametrize("command", ["webhook", "webhook add", "events tail"])
def test_help_teaches(run: Run, command: str) -> None:
    shown = run(*command.split(), "--help")
    assert shown.exit_code == 0
    assert len(shown.stdout) > 300

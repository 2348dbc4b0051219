"""`asin-sync ticket`: one command from a failed row; staff answer by theirs."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from api.cli.client import Exit, Server
from api.cli.program import build_cli
from infra.web_desk import WebDesk
from tests.api.ticket_scene import ASIN, TicketScene
from tests.sellers import LinkedSeller

Run = Callable[..., Result]

# A command leaves its connection to the end of its process, which is not the end of a test.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def scene(desk: WebDesk, client: httpx.Client, seller: LinkedSeller) -> TicketScene:
    return TicketScene(desk, client, seller.seller_id)


@pytest.fixture
def seller_runs(address: str, seller_key: str) -> Iterator[Run]:
    yield runner_of(address, seller_key)
    gc.collect()


@pytest.fixture
def support_runs(address: str, desk: WebDesk) -> Iterator[Run]:
    yield runner_of(address, desk.keys.create("support", None, "desk")[1])
    gc.collect()


def runner_of(address: str, key: str) -> Run:
    cli = build_cli(lambda: Server(address, key))
    return lambda *words: CliRunner().invoke(cli, list(words), env={"COLUMNS": "200"})


def test_one_command_opens_a_ticket_about_a_failed_line(
    scene: TicketScene, seller_runs: Run, tmp_path: Path
) -> None:
    position = scene.fail()
    opened = seller_runs("ticket", "open", "--log", f"{position}.0")
    assert opened.exit_code == 0, opened.output
    ticket = opened.stdout.strip()
    assert "attached: log_excerpt, failure_report" in opened.stderr
    shown = seller_runs("ticket", "show", ticket)
    assert f"E-901 {ASIN}" in shown.stdout
    assert "71 h 59 min left" in shown.stdout
    picture = tmp_path / "screen.png"
    picture.write_bytes(b"no picture")
    refused = seller_runs("ticket", "open", "--asin", ASIN, "--screenshot", str(picture))
    assert (refused.exit_code, "E-419" in refused.stderr) == (Exit.FAILED, True)
    assert seller_runs("ticket", "open", "--log", "x").exit_code == 2


def test_staff_answer_hand_over_and_resolve_and_a_reply_opens_it_anew(
    scene: TicketScene, seller_runs: Run, support_runs: Run
) -> None:
    ticket = scene.open(text="[bold]not markup[/bold]")["id"]
    assert ticket in support_runs("ticket", "list").stdout
    note = ("ticket", "reply", ticket, "--internal", "--text", "only among us")
    assert support_runs(*note).exit_code == 0
    answer = ("ticket", "reply", ticket, "--text", "We look into it.")
    assert "answered" in support_runs(*answer).stderr
    handed = ("ticket", "hand-over", ticket, "--to", "engineering", "--why", "a fault of ours")
    assert "with engineering" in support_runs(*handed).stderr
    settled = ("ticket", "resolve", ticket, "--cause", "asin_sync", "--text", "Mended.")
    assert "resolved" in support_runs(*settled).stderr
    again = support_runs(*settled)
    assert (again.exit_code, "wrong-state" in again.stderr) == (Exit.CONFLICT, True)
    assert "answered" in seller_runs("ticket", "reply", ticket, "--text", "Not yet.").stderr
    shown = seller_runs("ticket", "show", ticket).stdout
    assert "[bold]not markup[/bold]" in shown
    assert "only among us" not in shown
    assert "a fault of ours" not in shown
    assert "only among us" in support_runs("ticket", "show", ticket).stdout
    assert seller_runs("ticket", "resolve", ticket, "--cause", "amazon", "--text", "x"
                       ).exit_code == Exit.NOT_ALLOWED  # fmt: skip


def test_staff_say_why_they_look_beside_the_seller(scene: TicketScene, support_runs: Run) -> None:
    refused = support_runs("binding", "list", "--seller", scene.named)
    assert refused.exit_code == Exit.NOT_ALLOWED
    assert "--reason TEXT" in refused.stderr
    why = ("--seller", scene.named, "--reason", "电话中卖家请求协助")
    assert support_runs("binding", "list", *why).exit_code == 0

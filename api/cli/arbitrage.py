"""`asin-sync seller arbitrage`, `arbitrage-review`, `terminate`: judge suspicions, end a status."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, get_args

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from api.cli.client import Client, Exit, Json, Lang, Server, notes, print_json, stdout
from api.cli.client import Reason as LookReason
from domain.arbitrage import ConfirmationCause, DismissalCause, TerminationCause

POLL_SECONDS = 1.0
WAIT_SECONDS_MAX = 600
LOOK_REASON_LENGTH = 200

TERMINATION_CAUSES = get_args(TerminationCause)
CAUSES = (
    f"To confirm: {', '.join(get_args(ConfirmationCause))}. "
    f"To dismiss: {', '.join(get_args(DismissalCause))}."
)

SellerId = Annotated[str, typer.Argument(help="The seller: sel_1_…", metavar="SELLER")]
Reason = Annotated[
    str, typer.Option(help="In your words; kept encrypted, for whoever looks it up later.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask whether it is meant.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Don't wait until all is off sale.")]


class Decision(StrEnum):
    """What a reviewer may say of a suspicion."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"


def add_arbitrage(group: typer.Typer, find_server: Callable[[], Server]) -> None:
    """The commands, added to the group `seller`."""

    @group.command()
    def arbitrage(
        seller: SellerId, reason: LookReason = None, lang: Lang = None, as_json: Json = False
    ) -> None:
        """What a seller is suspected of, with the evidence, and whether it was terminated."""
        client = Client(find_server(), lang=lang, reason=reason)
        state = client.get(f"/sellers/{seller}/arbitrage")
        print_json(state) if as_json else show_arbitrage(state)

    @group.command("arbitrage-review")
    def review(
        seller: SellerId,
        suspicion: Annotated[str, typer.Argument(help="sus_1_…, as `seller arbitrage` shows it.")],
        decision: Annotated[Decision, typer.Argument(help="confirm terminates the seller.")],
        reason: Reason,
        cause: Annotated[str, typer.Option(help=CAUSES)] = "other",
        yes: Yes = False,
        no_wait: NoWait = False,
        lang: Lang = None,
    ) -> None:
        """Confirm a suspicion, which ends the seller's status for good, or dismiss it."""
        client = Client(find_server(), lang=lang, reason=in_one_line(reason))
        if decision is Decision.CONFIRM:
            make_sure(client, seller, is_sure=yes)
        body = {"suspicion_id": suspicion, "decision": decision, "cause": cause, "reason": reason}
        path = f"/sellers/{seller}/arbitrage-review"
        answer = client.ask("POST", path, json=body).json()
        print_json(answer)
        if decision is Decision.CONFIRM:
            follow(client, seller, answer["position"], is_awaited=not no_wait)

    @group.command()
    def terminate(
        seller: SellerId,
        cause: Annotated[str, typer.Option(help=f"One of {', '.join(TERMINATION_CAUSES)}.")],
        reason: Reason,
        yes: Yes = False,
        no_wait: NoWait = False,
        lang: Lang = None,
    ) -> None:
        """End a seller's status for good: every binding is blocked, every listing off sale."""
        client = Client(find_server(), lang=lang, reason=in_one_line(reason))
        make_sure(client, seller, is_sure=yes)
        body = {"cause": cause, "reason": reason}
        answer = client.ask("POST", f"/sellers/{seller}/termination", json=body).json()
        print_json(answer)
        follow(client, seller, answer["position"], is_awaited=not no_wait)


def in_one_line(reason: str) -> str:
    """The beginning of a decision's reason, as why its seller is looked at."""
    return " ".join(reason.split())[:LOOK_REASON_LENGTH]


def make_sure(client: Client, seller: str, *, is_sure: bool) -> None:
    """Say what it takes off sale, and ask. Raises typer.Abort."""
    state = client.get(f"/sellers/{seller}/arbitrage")
    notes.print(
        f"this ends the status of {seller} for good: {state['bindings_left']} bindings are blocked"
        f" and {state['listings_on_sale']} listings taken off sale on Mercari"
    )
    if not is_sure:
        typer.confirm("terminate this seller?", abort=True, err=True)


def follow(client: Client, seller: str, position: int, *, is_awaited: bool) -> None:
    """Show how the listings come off sale, until none is left. Raises typer.Exit after a while."""
    if not is_awaited:
        notes.print(f"asked for; see: asin-sync seller arbitrage {seller}")
        return
    path, ends_at = f"/sellers/{seller}/arbitrage", time.monotonic() + WAIT_SECONDS_MAX
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=notes) as progress:
        state = client.get(path, at_position=position)
        total = state["bindings_left"] + state["bindings_ended"]
        ended = progress.add_task("bindings blocked", total=total)
        sold = progress.add_task("listings off sale", total=state["listings_on_sale"])
        while state["bindings_left"] or state["listings_on_sale"]:
            if time.monotonic() > ends_at:
                notes.print("it goes on without this command")
                raise typer.Exit(Exit.UNAVAILABLE)
            time.sleep(POLL_SECONDS)
            state = client.get(path)
            progress.update(ended, completed=state["bindings_ended"])
            off_sale = (progress.tasks[sold].total or 0) - state["listings_on_sale"]
            progress.update(sold, completed=max(0, off_sale))
    notes.print(f"{state['bindings_ended']} bindings blocked, no listing is on sale")


def show_arbitrage(state: Mapping[str, Any]) -> None:
    """The termination, then one table a suspicion, and what to do."""
    if ended := state["termination"]:
        stdout.print(f"terminated for good {minute(ended['at'])} UTC: {ended['cause']}")
        stdout.print(
            f"  {state['bindings_ended']} bindings blocked, {state['bindings_left']} left,"
            f" {state['listings_on_sale']} listings still on sale"
        )
    for each in state["suspicions"]:
        told = f"{each['id']}  {each['rule']}  {each['state']}  {minute(each['raised_at'])} UTC"
        stdout.print(told)
        stdout.print(table_of(each))
    if not state["suspicions"] and not ended:
        stdout.print("no suspicion")
    if state["suggested_action"]:
        stdout.print(escape(f"→ {state['suggested_action']}"))


def table_of(suspicion: Mapping[str, Any]) -> Table:
    asin = Column("ASIN", no_wrap=True)
    table = Table(asin, "since (UTC)", "Amazon", "Mercari", "events")
    for each in suspicion["evidence"]:
        prices = (each["amazon_price_jpy"], each["shown_price_jpy"])
        table.add_row(
            each["asin"], minute(each["since"]),
            *("" if it is None else f"¥{it:,}" for it in prices),
            " ".join(f"#{it}" for it in each.get("positions", [])),
        )  # fmt: skip
    return table


def minute(moment: str) -> str:
    return moment[:16].replace("T", " ")

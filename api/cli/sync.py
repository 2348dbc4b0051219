"""`asin-sync sync`: what is paused, held or late, how the sweeps go, and a sweep now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.client import Client, Json, Lang, Reason, Seller, Server, notes, print_json, stdout
from domain.sync_sweep import SweepKind

KINDS: tuple[SweepKind, ...] = get_args(SweepKind)


def sync_commands(find_server: Callable[[], Server]) -> typer.Typer:
    sync = typer.Typer(no_args_is_help=True)

    @sync.command()
    def status(
        seller: Seller = None, reason: Reason = None, lang: Lang = None, as_json: Json = False
    ) -> None:
        """What is paused, held or late, with the next step; then every kind of sweep."""
        state = Client(find_server(), seller, lang, reason).get("/sync-state")
        if as_json:
            print_json(state)
            return
        for each in state["conditions"]:
            show_condition(each)
        if not state["conditions"]:
            stdout.print("nothing is paused, held or late")
        stdout.print(table_of(state))

    @sync.command()
    def run(
        kind: Annotated[SweepKind, typer.Argument(help="Which sweep to do now.")],
        without_brake: Annotated[bool, typer.Option("--without-brake", help=BRAKE)] = False,
        seller: Seller = None,
        reason: Reason = None,
    ) -> None:
        """Ask for a sweep now, beside the regular ones."""
        body = {"kind": kind, "is_brake_off": without_brake}
        print_json(
            Client(find_server(), seller, reason=reason).ask("POST", "/sweeps", json=body).json()
        )
        notes.print("asked for; see: asin-sync sync status")

    return sync


BRAKE = "Follow Amazon, however many listings that suspends or re-prices."


def show_condition(condition: Mapping[str, Any]) -> None:
    """One condition: its sentence, what it means, what to do, and what is held."""
    stdout.print(escape(f"{condition['error_code']} {condition['said']}"), highlight=False)
    stdout.print(escape(f"    {condition['meaning']}"), style="dim")
    stdout.print(escape(f"    → {condition['suggested_action']}"), highlight=False)
    for held in condition.get("held", []):
        said = f"    {held['asin']}  {held['first']} / {held['second']}"
        stdout.print(escape(said), highlight=False)
    if condition["kind"] == "brake":
        stdout.print(f"    asin-sync sync run {condition['subject']} --without-brake")


def table_of(state: Mapping[str, Any]) -> Table:
    """One row a kind: how the last sweep ended, and how far one under way has come."""
    ended = {each["kind"]: each for each in state["ended"]}
    running = {each["kind"]: each for each in state["under_way"]}
    table = Table("sweep", "last ended (UTC)", "in time", "changed", "failed", "under way now")
    for kind in KINDS:
        table.add_row(kind, *cells_of(ended.get(kind)), under_way_of(running.get(kind)))
    return table


def cells_of(ended: Mapping[str, Any] | None) -> tuple[str, str, str, str]:
    if ended is None:
        return ("not yet", "", "", "")
    late = f"{ended['late_seconds']} s late" if ended["late_seconds"] else "yes"
    return (
        minute(ended["ended_at"]), "stopped early" if ended["stopped_by"] else late,
        str(ended["changed"]), str(ended["failed"]),
    )  # fmt: skip


def under_way_of(running: Mapping[str, Any] | None) -> str:
    if running is None:
        return ""
    ends = minute(running["projected_at"])
    return f"{running['done']} of {running['listings']}, ends about {ends}"


def minute(moment: str) -> str:
    return moment[:16].replace("T", " ")

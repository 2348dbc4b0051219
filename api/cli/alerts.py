"""`asin-sync alerts`: listings at their threshold or sold out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from api.cli.client import Client, Json, Lang, Reason, Seller, Server, notes, print_json, stdout


def add_alerts(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    @cli.command()
    def alerts(
        state: Annotated[str | None, typer.Option(help="open or ended; else both.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """Stock alerts: open ones first, newest first."""
        client = Client(find_server(), seller, lang, reason)
        page = client.get("/stock-alerts", state=state, limit=limit)
        if as_json:
            for row in page["items"]:
                print_json(row)
            return
        show_alerts(page["items"]) if page["items"] else notes.print("no stock alert")
        if page["next_cursor"]:
            notes.print(f"there are more than {limit}: give --limit")


def show_alerts(rows: Sequence[Mapping[str, Any]]) -> None:
    """One row an alert, and below what to do, once each."""
    asin = Column("ASIN", no_wrap=True)
    table = Table(asin, "state", "Amazon", "threshold", "Mercari", "since (UTC)")
    for row in rows:
        numbers = (row["amazon_quantity"], row["stock_threshold"], row["shown_stock"])
        table.add_row(
            row["asin"], row["reason"] if row["state"] == "open" else row["ended_by"],
            *("" if each is None else str(each) for each in numbers),
            row["since"][:16].replace("T", " "),
        )  # fmt: skip
    stdout.print(table)
    advice = {row["reason"]: row["suggested_action"] for row in rows if row["suggested_action"]}
    for reason, action in advice.items():
        stdout.print(escape(f"{reason}: {action}"))

"""The command line for sellers, support and auditors: every command asks /v1, nothing else.

Data goes to stdout, progress and errors to stderr, so that output can be piped. `--json` prints one
object a line; NO_COLOR and --no-color print without colour, --quiet without progress and notes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from api.cli.alerts import add_alerts
from api.cli.bindings import binding_commands
from api.cli.client import (
    Client,
    Exit,
    Json,
    Lang,
    Reason,
    Seller,
    Server,
    notes,
    print_json,
    stderr,
    stdout,
)
from api.cli.precheck import add_validate, category_commands
from api.cli.pricing import add_fees, pricing_commands
from api.cli.sync import sync_commands
from api.cli.tickets import ticket_commands
from api.cli.webhooks import add_events, add_webhooks

TAIL_SECONDS = 1.0
TIME = "RFC 3339, such as 2026-11-22T15:00:00+09:00."


def build_cli(find_server: Callable[[], Server]) -> typer.Typer:
    """The commands; `find_server` says where the service is."""
    cli = typer.Typer(
        help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=True
    )
    add_manners(cli)
    add_upload(cli, find_server)
    add_validate(cli, find_server)
    add_views(cli, find_server)
    add_alerts(cli, find_server)
    cli.add_typer(binding_commands(find_server), name="binding", help="List, show and change.")
    cli.add_typer(sync_commands(find_server), name="sync", help="How the sweeps go; one now.")
    add_fees(cli, find_server)
    cli.add_typer(pricing_commands(find_server), name="pricing", help="Rules beyond the float.")
    cli.add_typer(ticket_commands(find_server), name="ticket", help="Ask for help; answer.")
    add_webhooks(cli, find_server)
    add_events(cli, find_server)
    cli.add_typer(category_commands(), name="category", help="Amazon's categories and Mercari's.")
    return cli


def add_manners(cli: typer.Typer) -> None:
    @cli.callback()
    def manners(
        quiet: Annotated[
            bool, typer.Option("--quiet", "-q", help="No progress and no notes; errors stay.")
        ] = False,
        no_color: Annotated[bool, typer.Option("--no-color", help="As NO_COLOR does.")] = False,
    ) -> None:
        notes.quiet = quiet
        for console in (stdout, stderr, notes):
            console.no_color = console.no_color or no_color


def add_upload(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    @cli.command()
    def upload(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
        as_json: Json = False,
        key: Annotated[str | None, typer.Option(help="Idempotency key; sent again = once.")] = None,
    ) -> None:
        """Bind the ASINs of a CSV file and watch each row come to its fate."""
        client = Client(find_server(), seller, lang, reason)
        calls_before = client.get("/upstream-calls")["total"]
        headers = {"Idempotency-Key": key} if key else {}
        with file.open("rb") as content:
            files = {"file": (file.name, content, "text/csv")}
            accepted = client.ask("POST", "/submissions", files=files, headers=headers).json()
        began = time.monotonic()
        result = followed(client, accepted)
        seconds = time.monotonic() - began
        time.sleep(TAIL_SECONDS)  # the worker counts its calls once a second
        calls = client.get("/upstream-calls")["total"] - calls_before
        show_upload(result, as_json=as_json)
        listed = result["counts"].get("listed", 0)
        notes.print(
            f"{result['settled_count']} rows in {seconds:.1f} s; {calls} upstream calls,"
            f" {least_calls(result['row_count'], listed)} is the least possible"
        )
        bad = {fate: n for fate, n in result["counts"].items() if fate in FAILED_FATES}
        if bad:
            notes.print(
                f"{sum(bad.values())} rows were not listed: correct and send them again, or mend"
                " them on Amazon or with evidence, then check them again:\n"
                "  asin-sync binding resubmit | remap | prove | withdraw ASIN\n"
                f"  asin-sync report download --submission {result['id']} --output failures.csv"
            )
            raise typer.Exit(Exit.SOME_FAILED)


FAILED_FATES = ("rejected", "refused", "failed", "suspended")


def least_calls(rows: int, listed: int) -> int:
    """20 ASINs a listings call and a catalogue call, 50 SKUs an FBA call, 4 calls a new listing."""
    return 2 * -(-rows // 20) + -(-rows // 50) + 4 * listed


def followed(client: Client, accepted: dict[str, Any]) -> dict[str, Any]:
    """Show progress on stderr until every row has its fate; return the upload."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task("waiting", total=None)
        position = accepted["position"]
        while True:
            upload = client.get(f"/submissions/{accepted['id']}", at_position=position)
            said = " · ".join(f"{fate} {n}" for fate, n in sorted(upload["counts"].items()))
            progress.update(
                task, total=upload["row_count"], completed=upload["settled_count"],
                description=said or "checking",
            )  # fmt: skip
            if upload["status"] != "open":
                return dict(upload)
            time.sleep(0.5)


def show_upload(upload: dict[str, Any], *, as_json: bool) -> None:
    """A row of the file: number, ASIN, fate, codes, why, and what to do."""
    if as_json:
        for row in upload["rows"]:
            print_json(row)
        return
    said_column = Column("why, and what to do", overflow="fold")
    table = Table("row", "ASIN", "fate", "codes", said_column)
    for row in upload["rows"]:
        codes = " ".join(row["codes"])
        said = "\n→\u00a0".join(filter(None, (row["detail"], row["suggested_action"])))
        table.add_row(str(row["row"]), row["asin"], row["fate"] or "…", codes, escape(said))
    stdout.print(table)


def add_views(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    logs = typer.Typer(help="The sync log.", no_args_is_help=True)
    report = typer.Typer(help="The failure report.", no_args_is_help=True)
    cli.add_typer(logs, name="logs")
    cli.add_typer(report, name="report")

    @logs.command()
    def tail(
        code: str | None = None,
        asin: str | None = None,
        outcome: str | None = None,
        since: Annotated[str | None, typer.Option("--from", help=TIME)] = None,
        until: Annotated[str | None, typer.Option("--to", help=TIME)] = None,
        lines: Annotated[int, typer.Option("--lines", "--limit", "-n", min=1, max=200)] = 20,
        follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """The newest lines of the sync log; with --follow, new ones as they come."""
        client = Client(find_server(), seller, lang, reason)
        filters = {"code": code, "asin": asin, "outcome": outcome, "from": since, "to": until}
        for line in log_lines(client, filters, lines, follow=follow):
            print_json(line) if as_json else stdout.print(said(line))

    @cli.command()
    def health(
        window: Annotated[str, typer.Option(help="24h or 30d.")] = "24h",
        check: Annotated[bool, typer.Option(help="Exit 8 where a target is missed.")] = False,
        seller: Seller = None,
        reason: Reason = None,
        as_json: Json = False,
    ) -> None:
        """The health score: three KPIs, their targets, what is failing."""
        score = Client(find_server(), seller, reason=reason).get("/health-score", window=window)
        print_json(score) if as_json else show_health(score)
        if check and missed(score):
            raise typer.Exit(Exit.TARGET_MISSED)

    @report.command()
    def download(
        output: Annotated[Path | None, typer.Option(help="A file; else stdout.")] = None,
        submission: Annotated[str | None, typer.Option(help="Only this upload's rows.")] = None,
        since: Annotated[str | None, typer.Option("--from")] = None,
        until: Annotated[str | None, typer.Option("--to")] = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """The failures as CSV, to correct and send again."""
        parameters = {"submission_id": submission, "from": since, "to": until}
        client = Client(find_server(), seller, lang, reason)
        content = client.ask("GET", "/failure-report.csv", params=parameters).content
        if output is None:
            typer.echo(content.decode(), nl=False)
            return
        output.write_bytes(content)
        notes.print(f"wrote {output}")


def log_lines(
    client: Client, filters: dict[str, Any], lines: int, *, follow: bool
) -> Iterator[dict[str, Any]]:
    """The newest lines, oldest first, then those that follow."""
    seen = -1
    while True:
        page = client.get("/sync-log", limit=lines if seen < 0 else 200, **filters)["items"]
        yield from reversed([each for each in page if each["position"] > seen])
        seen = max([seen, *(line["position"] for line in page)])
        if not follow:
            return
        time.sleep(TAIL_SECONDS)


def said(line: dict[str, Any]) -> str:
    mark = {"ok": "[green]ok[/]", "failed": "[red]failed[/]"}.get(
        line["outcome"], "[yellow]retry[/]"
    )
    who = line["asin"] or ""
    return f"{line['time']}  {mark:<8} {who:<10} {line['error_code'] or '':<6} {line['detail']}"


def missed(score: dict[str, Any]) -> list[str]:
    """The KPIs that miss their target; one without a figure misses nothing."""
    targets = score["targets"]
    found = []
    for name, target in targets.items():
        rate = score[name]
        if rate is not None and (rate > target if "deviation" in name else rate < target):
            found.append(name)
    return found


def show_health(score: dict[str, Any]) -> None:
    table = Table("KPI", "now", "target")
    for name, target in score["targets"].items():
        rate = score[name]
        table.add_row(name, "not inspected" if rate is None else f"{rate:.2%}", f"{target:.1%}")
    stdout.print(f"score {score['score']}  ({score['window']}, position {score['as_of_position']})")
    stdout.print(table)
    for each in score["failing"]:
        stdout.print(f"  {each['code']}  {each['bindings']} bindings  {each['failures']} failures")

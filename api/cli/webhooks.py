"""`asin-sync webhook` and `asin-sync events`: being told, by push or by following the feed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

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
    stdout,
)

POLL_SECONDS = 1.0
PAGE_SIZE = 500

Id = Annotated[str, typer.Argument(help="whk_1_…, as `webhook list` shows it.")]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="asin_binding. or asin_binding.listed; repeat it for more."),
]
OUTCOMES = {"delivered": "[green]delivered[/]", "failed": "[yellow]failed[/]",
            "given_up": "[red]given up[/]"}  # fmt: skip


def add_webhooks(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    """`webhook add|list|show|change|attempts|resend|test|remove`."""
    webhook = typer.Typer(no_args_is_help=True)
    cli.add_typer(webhook, name="webhook", help="Endpoints that are told what happens.")

    @webhook.command()
    def add(
        url: Annotated[str, typer.Argument(help="https://…; in the sandbox http://127.0.0.1:…")],
        types: Types = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """Register an endpoint and print it with its secret, which is shown only now.

        Each event is POSTed as a CloudEvent, signed as Standard Webhooks say: verify the signature
        with the secret, and answer 2xx within 15 seconds. docs/feed.md shows how in ten lines.
        """
        body = {"url": url, "types": types or []}
        made = (
            Client(find_server(), seller, lang, reason).ask("POST", "/webhooks", json=body).json()
        )
        print_json(made, indent=True)
        notes.print(f"keep the secret now; then: asin-sync webhook test {made['id']}")

    @webhook.command("list")
    def list_(seller: Seller = None, reason: Reason = None, as_json: Json = False) -> None:
        """The endpoints, and how each one fares."""
        items = Client(find_server(), seller, reason=reason).get("/webhooks")["items"]
        for each in items:
            print_json(each) if as_json else stdout.print(line_of(each))

    @webhook.command()
    def show(webhook_id: Id, seller: Seller = None, reason: Reason = None) -> None:
        """One endpoint: address, types, what waits, since when it fails."""
        print_json(
            Client(find_server(), seller, reason=reason).get(f"/webhooks/{webhook_id}"), indent=True
        )

    @webhook.command()
    def change(
        webhook_id: Id,
        url: Annotated[str | None, typer.Option(help="A new address.")] = None,
        types: Types = None,
        all_types: Annotated[bool, typer.Option(help="Every type, instead of --type.")] = False,
        is_enabled: Annotated[
            bool | None, typer.Option("--enable/--disable", help="Switch on (again), or off.")
        ] = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """Change what is named and leave the rest; switched on again, it is told what waited."""
        client = Client(find_server(), seller, lang, reason)
        path = f"/webhooks/{webhook_id}"
        held = client.get(path)
        body = {
            "url": url or held["url"],
            "types": [] if all_types else types or held["types"],
            "is_enabled": held["is_enabled"] if is_enabled is None else is_enabled,
        }
        client.ask("PUT", path, json=body)
        print_json(client.get(path), indent=True)

    @webhook.command()
    def remove(webhook_id: Id, seller: Seller = None, reason: Reason = None) -> None:
        """Tell it nothing more; what waits is dropped, and the secret with it."""
        Client(find_server(), seller, reason=reason).ask("DELETE", f"/webhooks/{webhook_id}")
        notes.print("removed")

    add_deliveries(webhook, find_server)


def add_deliveries(webhook: typer.Typer, find_server: Callable[[], Server]) -> None:
    """What was sent, again, and a try."""

    @webhook.command()
    def attempts(
        webhook_id: Id,
        lines: Annotated[int, typer.Option("--lines", "--limit", "-n", min=1, max=200)] = 20,
        seller: Seller = None,
        reason: Reason = None,
        as_json: Json = False,
    ) -> None:
        """The newest attempts, newest first: status or error, and how long it took."""
        client = Client(find_server(), seller, reason=reason)
        for each in client.get(f"/webhooks/{webhook_id}/attempts", limit=lines)["items"]:
            print_json(each) if as_json else stdout.print(said(each))

    @webhook.command()
    def resend(
        webhook_id: Id,
        event: Annotated[str | None, typer.Option(help="One event, evt_…")] = None,
        since: Annotated[
            str | None, typer.Option(help="All from then on: 2026-11-26T09:00:00Z")
        ] = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """Send events again, or those from before the endpoint: one --event, or all --since.

        An event keeps its webhook-id however often it is sent.
        """
        body = {"event_id": event, "since": since}
        client = Client(find_server(), seller, lang, reason)
        answer = client.ask("POST", f"/webhooks/{webhook_id}/resend", json=body).json()
        notes.print(f"{answer['events']} events will be sent")

    @webhook.command()
    def test(
        webhook_id: Id, seller: Seller = None, reason: Reason = None, as_json: Json = False
    ) -> None:
        """Send a test message now and say what came of it. Exit 3 where it was not taken."""
        answer = (
            Client(find_server(), seller, reason=reason)
            .ask("POST", f"/webhooks/{webhook_id}/test")
            .json()
        )
        print_json(answer) if as_json else stdout.print(said(answer))
        if answer["outcome"] != "delivered":
            raise typer.Exit(Exit.SOME_FAILED)


def add_events(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    """`events tail`."""
    events = typer.Typer(no_args_is_help=True)
    cli.add_typer(events, name="events", help="The event feed: every fact, as CloudEvents.")

    @events.command()
    def tail(
        after: Annotated[
            str, typer.Option(help="The last id seen (evt_…), `now`, or `start` for all.")
        ] = "now",
        types: Types = None,
        once: Annotated[bool, typer.Option(help="End when all there is has been told.")] = False,
        seller: Seller = None,
        reason: Reason = None,
        as_json: Json = False,
    ) -> None:
        """Events as they happen, oldest first, until Ctrl-C; give the last id to go on after it."""
        client = Client(find_server(), seller, reason=reason)
        place = None if after == "start" else after
        for event in told(client, place, types or [], once=once):
            print_json(event) if as_json else stdout.print(
                f"{event['id']}  {event['time']}  {event['type']}  {event['subject']}"
            )


def told(
    client: Client, after: str | None, types: list[str], *, once: bool
) -> Iterator[Mapping[str, Any]]:
    while True:
        page = client.get("/events", after=after, type=types, limit=PAGE_SIZE)
        yield from page["items"]
        after = page["next"]
        if len(page["items"]) < PAGE_SIZE:
            if once:
                return
            time.sleep(POLL_SECONDS)


def line_of(webhook: Mapping[str, Any]) -> str:
    types = " ".join(webhook["types"]) or "all types"
    return (
        f"{webhook['id']}  {state_of(webhook)}  waiting {webhook['waiting']}"
        f"  given up {webhook['given_up']}  {types}  {escape(webhook['url'])}"
    )


def state_of(webhook: Mapping[str, Any]) -> str:
    if webhook["is_enabled"]:
        return "[yellow]failing[/]" if webhook["failing_since"] else "[green]on[/]"
    return f"[red]off: {webhook['disabled_because'] or 'by you'}[/]"


def said(attempt: Mapping[str, Any]) -> str:
    what = attempt["status"] or attempt["error"]
    return (
        f"{attempt['time']}  {OUTCOMES[attempt['outcome']]:<10} {what}  {attempt['duration_ms']} ms"
        f"  {attempt['type']}  {attempt['event_id'] or ''}"
    )

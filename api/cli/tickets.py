"""`asin-sync ticket`: ask Mercari for help about a failed line, and answer, hand over, resolve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from api.cli.client import Client, Json, Lang, Reason, Seller, Server, notes, print_json, stdout

TicketId = Annotated[str, typer.Argument(metavar="TICKET", help="Its id: tkt_1_…")]
Text = Annotated[str, typer.Option(help="What is said, up to 5,000 characters.")]
LOG = "A line of the sync log: its position, or position.number."
LIST = "For staff: due, at_risk, breached or all, across sellers."
TO = "support, reviewer, engineering, or the id of a key of staff."
CAUSE = "seller_data, amazon, mercari, asin_sync, unclear or duplicate."


def ticket_commands(find_server: Callable[[], Server]) -> typer.Typer:
    ticket = typer.Typer(no_args_is_help=True)

    @ticket.command("open")
    def open_(
        log: Annotated[str | None, typer.Option(help=LOG)] = None,
        asin: Annotated[str | None, typer.Option(help="The ASIN it is about.")] = None,
        subject: Annotated[str, typer.Option(help="Else the log's words.")] = "",
        text: Annotated[str, typer.Option(help="Else the log's words.")] = "",
        screenshot: Annotated[
            Path | None, typer.Option(exists=True, dir_okay=False, help="PNG or JPEG, ≤ 10 MB.")
        ] = None,
        seller: Seller = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """Ask for help about a failed line (--log) or an ASIN (--asin): one command is enough.

        The log's last lines of that ASIN and the failure report go with it by themselves. The
        first answer comes within 72 hours.
        """
        fields = {"asin": asin, "subject": subject, "text": text, **place_of(log)}
        made = opened(Client(find_server(), seller, lang), fields, screenshot)
        if as_json:
            print_json(made)
            return
        stdout.print(made["id"])
        kinds = ", ".join(each["kind"] for each in made["attachments"]) or "nothing"
        notes.print(f"opened; attached: {kinds}; answer due {minute(made['clock']['due_at'])} UTC")

    @ticket.command()
    def show(ticket_id: TicketId, lang: Lang = None, as_json: Json = False) -> None:
        """The conversation, what is attached, and how long the answer may still take."""
        shown = Client(find_server(), lang=lang).get(f"/tickets/{ticket_id}")
        print_json(shown, indent=True) if as_json else show_ticket(shown)

    add_list(ticket, find_server)
    add_answers(ticket, find_server)
    return ticket


def add_list(ticket: typer.Typer, find_server: Callable[[], Server]) -> None:
    @ticket.command("list")
    def list_(
        which: Annotated[str | None, typer.Option("--list", help=LIST)] = None,
        limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
        seller: Seller = None,
        reason: Reason = None,
        as_json: Json = False,
    ) -> None:
        """A seller's tickets, newest first; for staff those of all, what is due first."""
        client = Client(find_server(), seller, reason=reason)
        page = client.get("/tickets", list=which, limit=limit)
        if as_json:
            for row in page["items"]:
                print_json(row)
            return
        show_list(page["items"]) if page["items"] else notes.print("no ticket")
        if page["next_cursor"]:
            notes.print(f"there are more than {limit}: give --limit")


def add_answers(ticket: typer.Typer, find_server: Callable[[], Server]) -> None:
    """What is said and done; each acts on the ticket as it stands."""

    @ticket.command()
    def reply(
        ticket_id: TicketId,
        text: Text,
        internal: Annotated[bool, typer.Option(help="A note for staff; no answer.")] = False,
        lang: Lang = None,
    ) -> None:
        """Say something. A seller's reply within 14 days opens a resolved ticket anew."""
        body = {"text": text, "is_internal": internal}
        write(Client(find_server(), lang=lang), ticket_id, "replies", body)

    @ticket.command()
    def resolve(
        ticket_id: TicketId,
        cause: Annotated[str, typer.Option(help=CAUSE)],
        text: Text,
        lang: Lang = None,
    ) -> None:
        """Settle it, with its cause; for support, reviewers and administrators."""
        body = {"cause": cause, "text": text}
        write(Client(find_server(), lang=lang), ticket_id, "resolution", body)

    @ticket.command("hand-over")
    def hand_over(
        ticket_id: TicketId,
        to: Annotated[str, typer.Option(help=TO)],
        why: Annotated[str, typer.Option(help="Why; for staff only.")],
        lang: Lang = None,
    ) -> None:
        """Let another group or person of staff go on with it."""
        body = {"to": to, "reason": why}
        write(Client(find_server(), lang=lang), ticket_id, "hand-over", body)


def opened(client: Client, fields: Mapping[str, Any], screenshot: Path | None) -> dict[str, Any]:
    """Send the ticket, as a form where a picture goes with it."""
    given = {name: value for name, value in fields.items() if value}
    if screenshot is None:
        return dict(client.ask("POST", "/tickets", json=given).json())
    files = {"screenshot": (screenshot.name, screenshot.read_bytes())}
    return dict(client.ask("POST", "/tickets", data=given, files=files).json())


def place_of(log: str | None) -> dict[str, int]:
    """Position and, where it is given, number of a line."""
    if log is None:
        return {}
    position, _, number = log.partition(".")
    if not position.isdecimal() or (number and not number.isdecimal()):
        raise typer.BadParameter("give a position such as 1042, or 1042.0", param_hint="--log")
    return {"log_position": int(position), **({"log_number": int(number)} if number else {})}


def write(client: Client, ticket_id: str, tail: str, body: Mapping[str, Any]) -> None:
    """Write to the ticket as it stands, and say how it stands then."""
    path = f"/tickets/{ticket_id}"
    headers = {"If-Match": client.ask("GET", path).headers["etag"]}
    now = client.ask("POST", f"{path}/{tail}", json=body, headers=headers).json()
    notes.print(f"{now['status']}, with {now['assignee']}", highlight=False)


def show_list(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(
        Column("ticket", no_wrap=True), "status", "ASIN", "code", "left", "with", "subject"
    )
    for row in rows:
        table.add_row(
            row["id"], row["status"], row["asin"] or "", row["error_code"] or "",
            left(row["clock"]), row["assignee"], escape(row.get("subject") or ""),
        )  # fmt: skip
    stdout.print(table)


def show_ticket(shown: Mapping[str, Any]) -> None:
    """One block a thing said; what a seller wrote is never read as markup."""
    about = " · ".join(filter(None, (shown["asin"], shown["error_code"], shown["operation"])))
    stdout.print(escape(f"{shown['subject'] or '(erased)'}"), style="bold", highlight=False)
    stdout.print(escape(f"{shown['id']}  {shown['status']}  {about}"), highlight=False)
    stdout.print(f"answer: {left(shown['clock'])}", highlight=False)
    for entry in shown["entries"]:
        who = entry.get("actor") or entry["from"]
        extra = " ".join(filter(None, (entry["to"], entry["cause"])))
        late = "  late" if entry["is_late"] else ""
        head = f"\n{minute(entry['time'])}  {entry['kind']}  {who}  {extra}{late}"
        stdout.print(escape(head.rstrip()), style="dim", highlight=False)
        if entry["text"]:
            stdout.print(escape(entry["text"]), highlight=False)
    for each in shown["attachments"]:
        stdout.print(f"\nattached: {each['kind']}  {each['size_bytes']:,} bytes", highlight=False)


def left(clock: Mapping[str, Any]) -> str:
    """How long the answer may still take."""
    seconds = clock["seconds_left"]
    if seconds is None:
        return "late" if clock["is_breached"] else "in time"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min {'left' if seconds >= 0 else 'late'}"


def minute(moment: str) -> str:
    return moment[:16].replace("T", " ")

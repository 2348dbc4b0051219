"""`asin-sync seller`: show a seller, link its marketplaces. More of it is in the main program."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
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
    stderr,
)

BRAKE = "Share of the listings that one sweep may change before each is read again, 1 to 100."
LAST_UNITS = "At most this many units above the threshold are not offered on Mercari, 0 to 100."
POLL_SECONDS = 1.0
ERASURE_SECONDS_MAX = 600.0
SECRET_LENGTH_MAX = 10_000
GRACE_SECONDS = 20.0
"""An answer given in the last second is still exchanged."""

TokenFile = Annotated[
    typer.FileText | None,
    typer.Option(encoding="utf-8", errors="replace", help="A file with the token, or - for stdin."),
]
GivenTokenFile = Annotated[
    typer.FileText,
    typer.Option(encoding="utf-8", errors="replace", help="A file with the token, or - for stdin."),
]


def add_seller_links(commands: typer.Typer, find_server: Callable[[], Server]) -> None:
    """Commands of the seller itself; staff name a seller with --seller."""

    @commands.command()
    def show(seller: Seller = None, reason: Reason = None, lang: Lang = None) -> None:
        """A seller's links and settings."""
        print_json(Client(find_server(), seller, lang, reason).get(path_of(seller)), indent=True)

    @commands.command("link-amazon")
    def link_amazon(
        wait: Annotated[bool, typer.Option(help="Wait until Amazon is linked, or exit 1.")] = False,
        refresh_token_file: TokenFile = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """Ask for the permission to read Amazon.co.jp: open the address that is printed.

        Who has a refresh token of a private application already gives it with
        --refresh-token-file; a token is never given on the command line.
        """
        client, path = Client(find_server(), seller, lang, reason), path_of(seller)
        if refresh_token_file is not None:
            body = {"refresh_token": secret_in(refresh_token_file)}
            print_json(client.ask("POST", f"{path}/amazon-link", json=body).json())
            return
        before = client.get(path)["amazon_linked_at"]
        asked = client.ask("POST", f"{path}/amazon-link", json={}).json()
        print_json(asked) if as_json else typer.echo(asked["consent_url"])
        notes.print(
            "open it in a browser, sign in to Seller Central with the account that is registered"
            f" here, and allow; good until {asked['expires_at'][:19]} UTC"
        )
        if wait:
            until = datetime.fromisoformat(asked["expires_at"]).timestamp() + GRACE_SECONDS
            print_json(linked_anew(client, path, before, until), indent=not as_json)

    @commands.command("link-mercari")
    def link_mercari(
        token_file: GivenTokenFile,
        shop_id: Annotated[str, typer.Option(help="The shop's id; Mercari Shops shows it.")],
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """Store the shop's access token: the permission to write to the Mercari shop."""
        body = {"access_token": secret_in(token_file), "shop_id": shop_id}
        client = Client(find_server(), seller, lang, reason)
        print_json(client.ask("POST", f"{path_of(seller)}/mercari-link", json=body).json())


def add_seller_defaults(commands: typer.Typer, find_server: Callable[[], Server]) -> None:
    """A seller's defaults and guards, and the brands it may sell."""

    @commands.command("settings")
    def seller_settings(
        seller_id: str,
        float_pct: Annotated[float | None, typer.Option(help="Default float, -15 to 15.")] = None,
        reinstatement: Annotated[str | None, typer.Option(help="automatic or manual.")] = None,
        brake_pct: Annotated[float | None, typer.Option(help=BRAKE)] = None,
        hand_edited_price: Annotated[str | None, typer.Option(help="put_back or keep.")] = None,
        last_units: Annotated[int | None, typer.Option(help=LAST_UNITS)] = None,
    ) -> None:
        """A seller's defaults and guards; with options, change those and leave the others."""
        given = {
            "default_float_pct": float_pct, "reinstatement": reinstatement, "brake_pct": brake_pct,
            "hand_edited_price": hand_edited_price, "last_units": last_units,
        }  # fmt: skip
        body = {name: value for name, value in given.items() if value is not None}
        client, path, position = Client(find_server()), f"/sellers/{seller_id}/settings", None
        if body:
            position = client.ask("PUT", path, json=body).json()["position"]
        print_json(client.get(path, at_position=position), indent=True)

    @commands.command()
    def brand(
        seller_id: str,
        name: Annotated[str, typer.Argument(help="As Amazon has it: the value seen in E-416.")],
        registration_number: Annotated[str, typer.Argument(help="In Japan, seven digits.")],
    ) -> None:
        """Authorise a brand for a seller, for reviewers: settles E-407 and E-416 of its ASINs."""
        body = {"brands": [{"brand": name, "registration_number": registration_number}]}
        path = f"/sellers/{seller_id}/brands"
        print_json(Client(find_server()).ask("POST", path, json=body).json())


def add_erasure(commands: typer.Typer, find_server: Callable[[], Server]) -> None:
    """Leaving for good."""

    @commands.command()
    def erase(
        seller: Seller = None,
        yes: Annotated[bool, typer.Option("--yes", help="Don't ask whether it is meant.")] = False,
        wait: Annotated[bool, typer.Option(help="Wait until it is done, or exit 1.")] = True,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """Leave for good: take everything off sale, then erase all that tells of persons.

        Names, mail addresses, files and tokens are gone after it; the history stays, without the
        persons. It can't be undone, and the seller's keys close at the end.
        """
        client, path = Client(find_server(), seller, lang, reason), path_of(seller)
        shown = client.get(path)
        if not yes:
            typer.confirm(f"Erase {shown['shop_name']} ({shown['id']}) for good?", abort=True)
        print_json(client.ask("POST", f"{path}/erasure").json())
        if wait:
            until_erased(client, f"{path}/application")


def until_erased(client: Client, path: str) -> None:
    """Wait for it. Raises typer.Exit after ten minutes: the service goes on by itself."""
    ends_at = time.monotonic() + ERASURE_SECONDS_MAX
    with stderr.status("taking everything off sale, then erasing"):
        while time.monotonic() < ends_at:
            try:
                reviews = client.get(path)["reviews"]
            except typer.Exit as refused:
                if refused.exit_code == Exit.NOT_ALLOWED:
                    notes.print("erased: this key has closed with the rest")
                    return
                raise
            if any(review["progress"] == "erased" for review in reviews):
                notes.print("erased")
                return
            time.sleep(POLL_SECONDS)
    notes.print(
        "[yellow]not done yet:[/] it goes on by itself; ask again with `seller application`"
    )
    raise typer.Exit(Exit.FAILED)


def path_of(seller: str | None) -> str:
    """Without a name, the seller that the key is bound to."""
    return f"/sellers/{seller or 'me'}"


def secret_in(file: typer.FileText) -> str:
    return file.read(SECRET_LENGTH_MAX).strip()


def linked_anew(client: Client, path: str, before: str | None, until: float) -> Any:
    """The seller, once Amazon was linked after `before`. Raises typer.Exit at the end of the time.

    A refusal is told on the page that the browser came back to.
    """
    with stderr.status("waiting for Amazon's answer"):
        while datetime.now(UTC).timestamp() < until:
            seller = client.get(path)
            if seller["is_amazon_linked"] and seller["amazon_linked_at"] != before:
                notes.print(escape(f"Amazon is linked since {seller['amazon_linked_at']}"))
                return seller
            time.sleep(POLL_SECONDS)
    stderr.print("[red]not linked:[/] no permission came in time; run the command again")
    raise typer.Exit(Exit.FAILED)

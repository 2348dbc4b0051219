"""Commands that drive the simulated upstreams: `asin-sync sandbox ...`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Protocol

import httpx
import typer

from api.cli.client import Client, Exit, Server, print_json, stderr

OnOff = Literal["on", "off"]
SPELLINGS = "own, pascal, camel, eventbridge or sqs."
SWEEPS = "status, stock_price, catalogue, delta, report or drift."
FAULTS = "429, 503_html, empty_200, truncated_json, hang."
IMAGE_FLAWS = "none, coloured_background, watermark or no_japanese_label."


class Drive(Protocol):
    """Asks the sandbox's control and prints its answer."""

    def __call__(self, path: str, **fields: Any) -> None: ...


def add_sandbox_commands(
    commands: typer.Typer,
    find_sandbox: Callable[[], str | None],
    find_server: Callable[[], Server],
) -> None:
    """Add them; `find_sandbox` gives the address of the running sandbox."""

    def control(path: str, **fields: Any) -> Any:
        address = find_sandbox()
        if address is None:
            stderr.print("the sandbox is not running: start it with `make run`")
            raise typer.Exit(Exit.UNAVAILABLE)
        method = fields.pop("method", "POST")
        body = {name: value for name, value in fields.items() if value is not None}
        options: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        answer = httpx.request(method, f"{address}/_sandbox/{path}", timeout=30, **options)
        if answer.is_error:
            stderr.print(f"[red]{answer.text}[/]")
            raise typer.Exit(Exit.FAILED)
        return answer.json() if answer.content else {}

    def drive(path: str, **fields: Any) -> None:
        print_json(control(path, **fields))

    add_offers(commands, drive)
    add_listings(commands, drive)
    add_upstreams(commands, drive, find_server)
    add_consents(commands, control)


def add_offers(commands: typer.Typer, drive: Drive) -> None:
    """What moves on Amazon."""

    @commands.command()
    def price(asin: str, price_jpy: int) -> None:
        """Move the Amazon price of an ASIN."""
        drive("price", asin=asin, price_jpy=price_jpy)

    @commands.command()
    def quantity(asin: str, units: int) -> None:
        """Move the Amazon stock of an ASIN."""
        drive("quantity", asin=asin, quantity=units)

    @commands.command()
    def suspend(asin: str) -> None:
        """Suspend an ASIN on Amazon."""
        drive("suspend", asin=asin)

    @commands.command()
    def reactivate(asin: str) -> None:
        """Make an ASIN active again, whatever made it E-404."""
        drive("reactivate", asin=asin)

    @commands.command()
    def category(asin: str, browse_path: str) -> None:
        """Move an ASIN to another Amazon category, names joined by ` > `."""
        drive("category", asin=asin, browse_path=browse_path)

    @commands.command()
    def image(
        asin: str,
        flaw: Annotated[str, typer.Argument(help=IMAGE_FLAWS)] = "none",
    ) -> None:
        """Replace the main image of an ASIN on Amazon, by default with a sound one."""
        drive("image", asin=asin, flaw=flaw)


def add_consents(commands: typer.Typer, control: Callable[..., Any]) -> None:
    """The seller at Amazon's page for consents."""

    @commands.command()
    def consent(
        url: Annotated[str, typer.Argument(help="What `seller link-amazon` printed.")],
        seller: Annotated[str | None, typer.Option(help="Its name; else the first.")] = None,
        deny: Annotated[bool, typer.Option("--deny", help="Answer no.")] = False,
    ) -> None:
        """Answer a consent without a browser. Exit 1 where it leads to no link."""
        answered = control("consent", url=url, seller=seller, allow=not deny)
        try:
            shown = httpx.get(answered["leads_to"], timeout=60)
        except httpx.HTTPError as error:
            stderr.print(f"[red]no answer from the service:[/] {type(error).__name__}")
            raise typer.Exit(Exit.UNAVAILABLE) from None
        print_json({"is_linked": shown.is_success, "status": shown.status_code})
        raise typer.Exit(Exit.OK if shown.is_success else Exit.FAILED)

    @commands.command("consent-scope")
    def consent_scope(
        scope: Annotated[str | None, typer.Argument(help="None: as it is asked for.")] = None,
        seller: Annotated[str | None, typer.Option(help="Its name; else the first.")] = None,
    ) -> None:
        """Name another scope where the seller's codes are exchanged: it is refused."""
        print_json(control("consent-scope", scope=scope, seller=seller))

    @commands.command()
    def revoke(
        seller: Annotated[str | None, typer.Option(help="Its name; else the first.")] = None,
    ) -> None:
        """Take the permission at Amazon back; syncing stops as E-401 until it is linked again."""
        print_json(control("revoke", seller=seller))


def add_listings(commands: typer.Typer, drive: Drive) -> None:
    """What moves on Mercari."""

    @commands.command("edit-listing")
    def edit_listing(
        sku_code: Annotated[str, typer.Argument(help="The listing's SKU code; `world` tells it.")],
        price_jpy: int | None = None,
        stock: int | None = None,
        title: str | None = None,
        description: str | None = None,
        is_on_sale: bool | None = None,
    ) -> None:
        """Edit a listing on Mercari by hand; `sweep drift` finds and mends it."""
        drive(f"listings/{sku_code}", price_jpy=price_jpy, stock=stock, title=title,
              description=description, is_on_sale=is_on_sale)  # fmt: skip

    @commands.command()
    def sell(sku_code: str, units: int = 1) -> None:
        """A customer buys on Mercari: the listing's stock falls."""
        drive("sell", sku_code=sku_code, quantity=units)


def add_upstreams(commands: typer.Typer, drive: Drive, find_server: Callable[[], Server]) -> None:
    """Faults, notifications, and a look at both sides."""

    @commands.command()
    def notify(
        kind: Annotated[str, typer.Argument(help="For example LISTINGS_ITEM_STATUS_CHANGE.")],
        asin: Annotated[str | None, typer.Argument()] = None,
        status: Annotated[str | None, typer.Option(help="What it claims, true or not.")] = None,
    ) -> None:
        """Send one of Amazon's notifications by hand, about each SKU of an ASIN."""
        drive("notify", type=kind, asin=asin, status=status)

    @commands.command()
    def forwarder(
        state: Annotated[OnOff | None, typer.Argument(help="None shows how it is.")] = None,
        duplicates: Annotated[int | None, typer.Option(help="How often each comes again.")] = None,
        delay_seconds: float | None = None,
        shuffle: Annotated[bool | None, typer.Option(help="Out of order.")] = None,
        spelling: Annotated[str | None, typer.Option(help=SPELLINGS)] = None,
    ) -> None:
        """Whether the sandbox tells of changes, and how badly its notifications travel."""
        is_on = None if state is None else state == "on"
        drive("forwarder", is_on=is_on, duplicates=duplicates, delay_seconds=delay_seconds,
              shuffle=shuffle, spelling=spelling)  # fmt: skip

    @commands.command("break")
    def break_upstream(
        upstream: Annotated[str, typer.Argument(help="amazon, mercari or lwa.")],
        kind: Annotated[str, typer.Argument(help=FAULTS)],
        count: int | None = None,
        seconds: float | None = None,
        operation: str | None = None,
    ) -> None:
        """Make an upstream misbehave, for some calls, some seconds, or until `mend`."""
        drive(
            "faults",
            upstream=upstream,
            kind=kind,
            count=count,
            seconds=seconds,
            operation=operation,
        )

    @commands.command()
    def mend() -> None:
        """End every fault."""
        drive("faults", method="DELETE")

    @commands.command()
    def world(asin: str) -> None:
        """What the sandbox has for an ASIN, on both sides."""
        drive("world", method="GET", asin=asin)

    @commands.command()
    def calls() -> None:
        """How many calls the sandbox got."""
        drive("calls", method="GET")

    @commands.command()
    def sweep(
        kind: Annotated[str, typer.Argument(help=SWEEPS)] = "status",
    ) -> None:
        """Fast-forward: run a sweep now instead of at its hour."""
        client = Client(find_server())
        print_json(client.ask("POST", "/sweeps", json={"kind": kind}).json())

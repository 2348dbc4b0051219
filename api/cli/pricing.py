"""`asin-sync pricing` and `fees`: the seller's rules, tried and saved; what a sale leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape
from rich.table import Column, Table

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

Yen = Annotated[int | None, typer.Option(min=1)]
Off = Annotated[
    list[str] | None, typer.Option("--off", help="Take this rule away, e.g. ceiling_jpy.")
]
Rules = Annotated[
    Path | None,
    typer.Option("--rules", exists=True, dir_okay=False, help="All rules as JSON, as `show` says."),
]
ForAsin = Annotated[str | None, typer.Option("--asin", help="For this ASIN only.")]


def add_fees(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    @cli.command()
    def fees(
        price_jpy: Annotated[int, typer.Argument(metavar="PRICE", min=300, max=9_999_999)],
        on: Annotated[str | None, typer.Option(help="A day like 2024-04-01; today.")] = None,
        shipping: Annotated[str, typer.Option(help="mercari or self.")] = "mercari",
        as_json: Json = False,
    ) -> None:
        """Commission and net proceeds of a sale at this price."""
        client = Client(find_server())
        answer = client.get("/fees", price_jpy=price_jpy, on=on, shipping=shipping)
        if as_json:
            print_json(answer)
            return
        rate = float(answer["commission_rate"])
        stdout.print(f"price       ¥{answer['price_jpy']:,}")
        stdout.print(f"commission  ¥{answer['commission_jpy']:,}  ({rate:.0%} of the whole)")
        stdout.print(f"net         ¥{answer['net_jpy']:,}  before shipping")
        if saving := answer["shipping_saving_jpy"]:
            stdout.print(
                f"らくらくメルカリ便 is on average ¥{saving:,} an order cheaper than your own"
            )
        if answer["warning_code"]:
            stdout.print(f"[yellow]{answer['warning_code']}[/] a sale at ¥5,000 would leave more")


def pricing_commands(find_server: Callable[[], Server]) -> typer.Typer:
    pricing = typer.Typer(no_args_is_help=True)

    @pricing.command()
    def show(seller: Seller = None, reason: Reason = None) -> None:
        """The rules, the channel prices known, and the endings to choose from."""
        print_json(Client(find_server(), seller, reason=reason).get("/pricing-rules"), indent=True)

    changing = "Change what is named and keep the rest; every live listing is then priced anew."
    pricing.command("set", help=changing)(rules_command(find_server, save))
    trying = "What `set` with the same options would change, and why; nothing is saved."
    pricing.command("dry-run", help=trying)(rules_command(find_server, try_out))

    @pricing.command("import-prices")
    def import_prices(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """Enter your own prices on other channels: a CSV with asin,channel,price_jpy."""
        client = Client(find_server(), seller, lang, reason)
        with file.open("rb") as content:
            files = {"file": (file.name, content, "text/csv")}
            answer = client.ask("POST", "/pricing-rules/channel-prices", files=files).json()
        notes.print(f"{answer['entered']} prices entered; they are followed for 24 hours")

    return pricing


def rules_command(
    find_server: Callable[[], Server], act: Callable[[Client, dict[str, Any], bool], None]
) -> Callable[..., None]:
    """A command that takes rules as options, on top of those there are, and does this with them."""

    def command(
        floor_jpy: Yen = None,
        floor_net_jpy: Yen = None,
        ceiling_jpy: Yen = None,
        follow: Annotated[str | None, typer.Option(help="lowest, or a channel.")] = None,
        charm: Annotated[str | None, typer.Option(help="Digits to end in, e.g. 80.")] = None,
        avoid_fee_cliff: Annotated[bool | None, typer.Option(help="¥5,001-5,112: ¥5,000.")] = None,
        daily_brake_pct: Annotated[float | None, typer.Option(help="Most in a day.")] = None,
        off: Off = None,
        asin: ForAsin = None,
        rules: Rules = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        client = Client(find_server(), seller, lang, reason)
        given = {
            "floor_jpy": floor_jpy, "floor_net_jpy": floor_net_jpy, "ceiling_jpy": ceiling_jpy,
            "follow": follow, "charm": charm, "avoid_fee_cliff": avoid_fee_cliff,
            "daily_brake_pct": daily_brake_pct,
        }  # fmt: skip
        act(client, wanted_rules(client, rules, given, off or [], asin), as_json)

    return command


def save(client: Client, rules: dict[str, Any], as_json: bool) -> None:
    answer = client.ask("PUT", "/pricing-rules", json={"rules": rules}).json()
    if as_json:
        print_json(answer)
    notes.print(f"saved at position {answer['position']}; a sweep prices the listings anew")


def try_out(client: Client, rules: dict[str, Any], as_json: bool) -> None:
    trial = client.ask("POST", "/pricing-rules/dry-run", json={"rules": rules}).json()
    show_trial(trial, as_json=as_json)


def wanted_rules(
    client: Client, file: Path | None, given: dict[str, Any], off: list[str], asin: str | None
) -> dict[str, Any]:
    """The rules there are (or those of the file) with what is given changed."""
    read = rules_of(file) if file else client.get("/pricing-rules")["rules"]
    named = {name: value for name, value in given.items() if value is not None}
    if asin is None:
        return {**read, **dict.fromkeys(off), **named}
    overrides = {each["asin"]: each for each in read.get("overrides", [])}
    own = overrides.get(asin.upper(), {"asin": asin.upper(), "off": []})
    taken = [*(name for name in own.get("off", []) if name not in named), *off]
    overrides[asin.upper()] = {**own, **named, "off": list(dict.fromkeys(taken))}
    return {**read, "overrides": list(overrides.values())}


def rules_of(file: Path) -> dict[str, Any]:
    """The rules in a JSON file: themselves, or the whole answer of `show`."""
    try:
        read = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        stderr.print(f"[red]{escape(str(file))} is not JSON:[/] {escape(str(error))}")
        raise typer.Exit(Exit.FAILED) from None
    if not isinstance(read, dict):
        stderr.print(f"[red]{escape(str(file))} holds no rules[/]")
        raise typer.Exit(Exit.FAILED)
    rules = read.get("rules", read)
    return dict(rules) if isinstance(rules, dict) else {"rules": rules}


def show_trial(trial: dict[str, Any], *, as_json: bool) -> None:
    """One line a listing: prices and proceeds before and after, and why."""
    table = Table("ASIN", "price", "new", "net", "new net", Column("why", overflow="fold"))
    for each in trial["items"]:
        if as_json:
            print_json(each)
        why = "\n".join(reason["said"] for reason in each["reasons"])
        amounts = [f"¥{each[name]:,}" for name in AMOUNTS]
        table.add_row(each["asin"], *amounts, escape(why or "the plain float"))
    if not as_json and trial["items"]:
        stdout.print(table)
    notes.print(f"{trial['would_change']} of {trial['live']} live listings would change")


AMOUNTS = ("from_price_jpy", "to_price_jpy", "net_from_jpy", "net_to_jpy")

"""`asin-sync seller`: apply, file what is asked for, follow the reviews; and decide on them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from api.admission_words import ENTITIES, FIELDS
from api.cli.client import Client, Json, Lang, Reason, Server, notes, print_json, stdout

FindServer = Callable[[], Server]
OWN = "me"
OwnSeller = Annotated[
    str | None, typer.Argument(metavar="[SELLER]", help="sel_1_…; your own where it is left out.")
]
SellerId = Annotated[str, typer.Argument(metavar="SELLER", help="sel_1_…")]
ForSeller = Annotated[str | None, typer.Option("--seller", help="For an admin's key.")]
AFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Pairs = Annotated[
    list[str], typer.Argument(metavar="FILE|ITEM=FILE...", help="bank_account=bank.pdf")
]
STATES = {"missing": "[yellow]missing[/]", "filed": "[green]filed[/]",
          "returned": "[red]sent back[/]"}  # fmt: skip
STEPS = {
    "Amazon link": "asin-sync seller link-amazon",
    "Mercari link": "asin-sync seller link-mercari --token-file FILE --shop-id SHOP",
}


def add_applications(group: typer.Typer, find_server: FindServer, find_address: FindServer) -> None:
    """Add what applicants and reviewers do; an applicant has no key yet, but an address."""
    add_applying(group, find_address)
    add_filing(group, find_server)
    add_reviewing(group, find_server)


def add_applying(group: typer.Typer, find_address: FindServer) -> None:
    @group.command()
    def apply(
        amazon_seller_id: Annotated[str | None, typer.Option(help="Of Amazon.co.jp.")] = None,
        shop_name: Annotated[str | None, typer.Option()] = None,
        entity: Annotated[str | None, typer.Option(help=" or ".join(ENTITIES) + ".")] = None,
        company_name: Annotated[str | None, typer.Option(help="As registered.")] = None,
        registration_number: Annotated[
            str | None, typer.Option(help="Unified social credit code, or 法人番号.")
        ] = None,
        sells_brands: Annotated[bool | None, typer.Option("--brands/--no-brands")] = None,
        representative_name: Annotated[str | None, typer.Option()] = None,
        contact_name: Annotated[str | None, typer.Option()] = None,
        contact_email: Annotated[str | None, typer.Option()] = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """Apply as a Pro Seller, and get the key that opens the application.

        Only companies registered in mainland China and Japanese 株式会社 can (else E-418). On a
        terminal you are asked for what no option gives. The key is printed once: keep it, and
        set ASIN_SYNC_KEY to it. No key is needed to apply.
        """
        given = {
            "amazon_seller_id": amazon_seller_id, "shop_name": shop_name, "entity": entity,
            "company_name": company_name, "registration_number": registration_number,
            "sells_brands": sells_brands, "representative_name": representative_name,
            "contact_name": contact_name, "contact_email": contact_email,
        }  # fmt: skip
        body = {**asked_for(given), **({"language": lang} if lang else {})}
        made = Client(find_address(), lang=lang).ask("POST", "/sellers", json=body).json()
        if as_json:
            print_json(made)
        else:
            stdout.print(f"seller  {made['id']}\nkey     {made['key']}")
        notes.print("keep the key now, it is not shown again; then, with ASIN_SYNC_KEY set to it:")
        pairs = " ".join(f"{item}=FILE" for item in made["missing"])
        notes.print(escape(f"  asin-sync seller documents {pairs}"))

    @group.command()
    def amend(
        entity: Annotated[str | None, typer.Option(help=" or ".join(ENTITIES) + ".")] = None,
        company_name: Annotated[str | None, typer.Option(help="As registered.")] = None,
        registration_number: Annotated[
            str | None, typer.Option(help="Unified social credit code, or 法人番号.")
        ] = None,
        sells_brands: Annotated[bool | None, typer.Option("--brands/--no-brands")] = None,
        representative_name: Annotated[str | None, typer.Option()] = None,
        contact_name: Annotated[str | None, typer.Option()] = None,
        contact_email: Annotated[str | None, typer.Option()] = None,
        seller: OwnSeller = None,
        lang: Lang = None,
    ) -> None:
        """Correct your application, before its review begins or after it came back.

        What no option gives stays as it is; the account and the shop's name can't change.
        """
        given = {
            "entity": entity, "company_name": company_name,
            "registration_number": registration_number, "sells_brands": sells_brands,
            "representative_name": representative_name, "contact_name": contact_name,
            "contact_email": contact_email,
        }  # fmt: skip
        client, path = Client(find_address(), lang=lang), f"/sellers/{seller or OWN}/application"
        held = client.get(path)
        body = {name: held[name] if value is None else value for name, value in given.items()}
        language = {"language": lang} if lang else {}
        print_json(client.ask("PUT", path, json={**body, **language}).json())


def asked_for(given: dict[str, Any]) -> dict[str, Any]:
    """The options, and on a terminal the answers to what is left. Raises typer.BadParameter."""
    missing = [name for name, value in given.items() if value is None]
    options = [f"--{name.replace('_', '-')}" for name in missing]
    if missing and not sys.stdin.isatty():
        named = ", ".join(options).replace("--sells-brands", "--brands or --no-brands")
        raise typer.BadParameter(f"give {named}, or run it on a terminal to be asked")
    answers = {
        name: typer.confirm(FIELDS[name])
        if name == "sells_brands"
        else typer.prompt(f"{FIELDS[name]} ({', '.join(ENTITIES)})")
        if name == "entity"
        else typer.prompt(FIELDS[name])
        for name in missing
    }
    return {**given, **answers}


def add_filing(group: typer.Typer, find_server: FindServer) -> None:
    @group.command()
    def application(
        seller: OwnSeller = None, reason: Reason = None, lang: Lang = None, as_json: Json = False
    ) -> None:
        """How far it has come: each thing asked for, its state, why it came back, what to send."""
        client = Client(find_server(), lang=lang, reason=reason)
        show_application(client, seller or OWN, as_json=as_json)

    @group.command()
    def documents(
        files: Pairs,
        item: Annotated[
            str | None, typer.Option(help="What a lone FILE is, as `seller application` says.")
        ] = None,
        seller: ForSeller = None,
        lang: Lang = None,
    ) -> None:
        """File documents: FILE --item ITEM, or several as ITEM=FILE.

        Each is a PDF, JPEG or PNG of up to 10 MB; its name is not sent. Filing stops at the first
        that is refused, and those before it stay filed.
        """
        client = Client(find_server(), lang=lang)
        found = seller or OWN
        for name, path in pairs_of(files, item):
            position = filed(client, f"/sellers/{found}/documents", path, item=name)
            notes.print(escape(f"filed {name}"))
        show_next(client, found, position)

    @group.command("asin-list")
    def asin_list(file: AFile, seller: ForSeller = None, lang: Lang = None) -> None:
        """File the ASINs to be synced: a CSV with the columns of an upload, up to 500 rows."""
        client = Client(find_server(), lang=lang)
        found = seller or OWN
        show_next(client, found, filed(client, f"/sellers/{found}/asin-list", file))

    @group.command("undertaking-template")
    def undertaking_template(
        output: Annotated[Path | None, typer.Option("--output", "-o", help="Else stdout.")] = None,
    ) -> None:
        """The compliance undertaking, to print, seal and sign."""
        content = Client(find_server()).ask("GET", "/undertaking-template").content
        if output is None:
            typer.echo(content.decode(), nl=False)
            return
        output.write_bytes(content)
        notes.print(escape(f"wrote {output}: print it, seal it, sign it, scan it, then"))
        notes.print("  asin-sync seller sign-undertaking FILE --signatory NAME --seal --signature")

    @group.command("sign-undertaking")
    def sign_undertaking(
        file: AFile,
        signatory: Annotated[str, typer.Option(help="Who signed it.")],
        seal: Annotated[bool, typer.Option("--seal", help="The company's seal is on it.")] = False,
        signature: Annotated[
            bool, typer.Option("--signature", help="The legal representative has signed it.")
        ] = False,
        seller: ForSeller = None,
        lang: Lang = None,
    ) -> None:
        """File the scan of the sealed and signed undertaking; say with both options that it is."""
        client = Client(find_server(), lang=lang)
        found = seller or OWN
        version = client.get(f"/sellers/{found}/application")["template_version"]
        position = filed(
            client, f"/sellers/{found}/undertaking", file, signatory_name=signatory,
            template_version=version, has_seal=str(seal), has_signature=str(signature),
        )  # fmt: skip
        show_next(client, found, position)


def add_reviewing(group: typer.Typer, find_server: FindServer) -> None:
    @group.command()
    def queue(as_json: Json = False) -> None:
        """What waits for a reviewer, the first due first; how reviews went in the last 90 days."""
        client = Client(find_server())
        rows = client.get("/applications")["items"]
        if as_json:
            for row in rows:
                print_json(row)
            return
        table = Table("due", "seller", Column("company", overflow="fold"), "review", "round")
        for row in rows:
            due = f"[red]{row['due_on']} overdue[/]" if row["is_overdue"] else row["due_on"]
            company = escape(row["company_name"])
            table.add_row(due, row["seller_id"], company, row["stage"], str(row["round"]))
        stdout.print(table if rows else "nothing waits for a decision")
        for each in client.get("/applications/figures")["stages"]:
            notes.print(figures_line(each))

    @group.command()
    def approve(seller: SellerId, lang: Lang = None) -> None:
        """Approve what is in review; the second approval switches ASIN Sync on.

        After `reject` it switches ASIN Sync on again. Reviewers and admins.
        """
        decide(Client(find_server(), lang=lang), seller, decision="approve")

    @group.command("return")
    def send_back(
        seller: SellerId,
        faults: Annotated[
            list[str],
            typer.Argument(metavar="ITEM=FAULT...", help="bank_account=account_not_in_yen"),
        ],
        lang: Lang = None,
    ) -> None:
        """Send back what has a fault; only that is asked for again.

        `seller application SELLER --json` names the items and the possible_faults of each.
        """
        rejections = [{"item": item, "fault": fault} for item, fault in map(halves_of, faults)]
        client = Client(find_server(), lang=lang)
        decide(client, seller, decision="return", rejections=rejections)

    @group.command()
    def reject(seller: SellerId, reason: str) -> None:
        """Switch ASIN Sync off for a seller, with the reason; no listing is closed by it."""
        decide(Client(find_server()), seller, decision="reject", reason=reason)


def decide(client: Client, seller: str, **body: Any) -> None:
    print_json(client.ask("POST", f"/sellers/{seller}/review", json=body).json())


def pairs_of(files: Sequence[str], item: str | None) -> list[tuple[str, Path]]:
    """What is filed, in order. Raises typer.BadParameter for a file that isn't there."""
    if item is not None and len(files) == 1:
        pairs = [(item, Path(files[0]))]
    else:
        pairs = [(name, Path(path)) for name, path in map(halves_of, files)]
    for _, path in pairs:
        if not path.is_file():
            raise typer.BadParameter(f"there is no file {path}")
    return pairs


def halves_of(text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise typer.BadParameter(f"write {text!r} as ITEM={text or '…'}, such as bank_account=…")
    return left, right


def filed(client: Client, path: str, file: Path, **fields: str) -> int:
    """Send one file without its name, which may name persons; return the position."""
    files = {"file": ("file", file.read_bytes(), "application/octet-stream")}
    answer = client.ask("POST", path, data=fields, files=files).json()
    return int(answer["position"])


def show_next(client: Client, seller: str, position: int) -> None:
    """What is still to be done, or whose turn it is."""
    answer = client.get(f"/sellers/{seller}/application", at_position=position)
    for each in answer["items"]:
        if each["state"] != "filed":
            notes.print(escape(f"still to be filed: {each['item']} ({each['title']})"))
    show_turn(answer)


def show_turn(answer: dict[str, Any]) -> None:
    if answer["is_sync_enabled"]:
        notes.print("ASIN Sync is on; next: asin-sync upload FILE")
        return
    for review in answer["reviews"]:
        if review["progress"] == "in_review":
            notes.print(f"{review['stage']} is in review: Mercari answers by {review['due_on']}")
    for name, command in STEPS.items():
        if name in answer["missing"]:
            notes.print(escape(f"still to be linked: {command}"))


def show_application(client: Client, seller: str, *, as_json: bool) -> None:
    answer = client.get(f"/sellers/{seller}/application")
    if as_json:
        print_json(answer, indent=True)
        return
    table = Table("item", "state", Column("why, and what to send", overflow="fold"))
    for each in answer["items"]:
        back = [each["why"], f"→ {each['action']}"] if each["fault"] else []
        said = back or ([each["needs"]] if each["state"] == "missing" else [])
        table.add_row(each["item"], STATES[each["state"]], escape("\n".join(said)))
    stdout.print(escape(f"{answer['id']}  {answer['company_name']}"))
    stdout.print(table)
    show_turn(answer)


def figures_line(figures: dict[str, Any]) -> str:
    """One review's figures in a line."""
    rate, days = figures["first_pass_rate"], figures["review_days_mean"]
    passed = "none decided" if rate is None else f"{rate:.1%} passed at the first review"
    mean = "" if days is None else f", {days:.1f} business days on average"
    return f"{figures['stage']}: {passed} (63.7% in 2024 Q1, the source says){mean}"

"""`asin-sync binding`: list, show, history, and the changes by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from api.cli.client import (
    AsOf,
    Client,
    Exit,
    Json,
    Lang,
    Reason,
    Seller,
    Server,
    notes,
    print_json,
    resolved,
    show_findings,
    stdout,
)
from domain.rules.proofs import CertificateKind, ProofKind


def binding_commands(find_server: Callable[[], Server]) -> typer.Typer:
    binding = typer.Typer(no_args_is_help=True)

    @binding.command("list")
    def list_(
        status: str | None = None,
        asin: str | None = None,
        error_code: str | None = None,
        in_review: Annotated[bool, typer.Option(help="Only those with a reviewer.")] = False,
        limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
        seller: Seller = None,
        reason: Reason = None,
        as_json: Json = False,
    ) -> None:
        """Bindings, newest change first."""
        client = Client(find_server(), seller, reason=reason)
        page = client.get(
            "/bindings", status=status, asin=asin, error_code=error_code, limit=limit,
            in_review=in_review or None,
        )  # fmt: skip
        table = Table("id", "ASIN", "status", "price", "stock", "codes")
        for row in page["items"]:
            if as_json:
                print_json(row)
            table.add_row(row["id"], row["asin"], row["status"], str(row["price_jpy"] or ""),
                          str(row["stock"] if row["stock"] is not None else ""),
                          " ".join(row["error_codes"]))  # fmt: skip
        if not as_json:
            stdout.print(table)

    @binding.command()
    def show(
        binding_id: Annotated[str, typer.Argument(help="Its id, or its ASIN.")],
        as_of: AsOf = None,
        at_version: int | None = None,
        seller: Seller = None,
        reason: Reason = None,
    ) -> None:
        """One binding: now, or as of an instant or a version."""
        client = Client(find_server(), seller, reason=reason)
        path = f"/bindings/{resolved(client, binding_id)}"
        print_json(client.get(path, as_of=as_of, at_version=at_version), indent=True)

    @binding.command()
    def history(
        binding_id: str,
        as_of: AsOf = None,
        seller: Seller = None,
        reason: Reason = None,
        as_json: Json = False,
    ) -> None:
        """Every event of the binding, oldest first."""
        client = Client(find_server(), seller, reason=reason)
        page = client.get(f"/bindings/{resolved(client, binding_id)}/history", as_of=as_of)
        for event in page["items"]:
            if as_json:
                print_json(event)
            else:
                stdout.print(
                    f"#{event['position']} v{event['version']}  {event['recorded_at']}"
                    f"  {event['type']}  by {event['actor']}"
                )

    @binding.command()
    def remap(
        binding_id: str,
        category: str,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """Choose another Mercari category and wait for the check. Exit 3 where it does not pass."""
        body = {"mercari_category_id": category}
        await_check(Client(find_server(), seller, lang, reason), binding_id, "remap", json=body)

    @binding.command()
    def resubmit(
        binding_id: str, seller: Seller = None, reason: Reason = None, lang: Lang = None
    ) -> None:
        """Check again once the cause is mended, and wait. Exit 3 where it does not pass."""
        await_check(Client(find_server(), seller, lang, reason), binding_id, "resubmit")

    @binding.command()
    def withdraw(binding_id: str, seller: Seller = None, reason: Reason = None) -> None:
        """Take the ASIN back; its listing is closed."""
        change(Client(find_server(), seller, reason=reason), binding_id, "withdraw")
        notes.print("withdrawn; its listing is being closed")

    add_evidence(binding, find_server)
    return binding


def add_evidence(binding: typer.Typer, find_server: Callable[[], Server]) -> None:
    """Proofs of a seller, and a reviewer's word on an image."""

    @binding.command()
    def prove(
        binding_id: str,
        kind: ProofKind,
        file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help=FILE)] = None,
        certificate: Annotated[CertificateKind | None, typer.Option(help=CERTIFICATE)] = None,
        number: Annotated[str | None, typer.Option(help="Of certificate or registration.")] = None,
        notifier: Annotated[str | None, typer.Option(help="届出事業者名, for PSE and PSC.")] = None,
        body: Annotated[str | None, typer.Option(help="登録検査機関, for a diamond PSE.")] = None,
        notified_on: Annotated[
            str | None, typer.Option(help="届出日, for cosmetics: 2024-04-01.")
        ] = None,
        days: Annotated[
            int | None, typer.Option(help="Days to ship, at most; for shipping_time.")
        ] = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """File evidence, kept by its hash; then `binding resubmit` checks again.

        brand: --number. shipping_time: --days --file. label: --file. certificate: --certificate
        --file, and for PSE and PSC --notifier, a diamond PSE --body, TELEC --number, cosmetics
        --number --notified-on.
        """
        client = Client(find_server(), seller, lang, reason)
        fields = {"kind": kind, "certificate_kind": certificate, "number": number,
                  "notifier": notifier, "inspection_body": body, "notified_on": notified_on,
                  "shipping_days": days}  # fmt: skip
        given = {name: str(value) for name, value in fields.items() if value is not None}
        content = file.read_bytes() if file else None
        files = {"file": (file.name, content)} if file else {"kind": (None, kind)}
        change(client, binding_id, "proofs", data=given, files=files)
        notes.print(f"filed; now: asin-sync binding resubmit {binding_id}")

    @binding.command("review-image")
    def review_image(
        binding_id: str,
        verdict: Annotated[str, typer.Argument(help="pass or fail.")],
        note: str = "",
        seller: Seller = None,
        reason: Reason = None,
    ) -> None:
        """For reviewers: judge a main image that waits for a person."""
        body = {"verdict": verdict, "note": note}
        change(Client(find_server(), seller, reason=reason), binding_id, "image-review", json=body)


FILE = "Scan or photo: PDF, JPEG or PNG, at most 10 MB. Needed for all but a brand."
CERTIFICATE = "Which certificate it is; for kind certificate."


def change(client: Client, text: str, verb: str, **sent: Any) -> dict[str, Any]:
    """Send the change for the version that is shown now."""
    identity = resolved(client, text)
    version = client.get(f"/bindings/{identity}")["version"]
    headers = {"If-Match": f'"v{version}"'}
    answer: dict[str, Any] = client.ask(
        "POST", f"/bindings/{identity}/{verb}", headers=headers, **sent
    ).json()
    print_json(answer)
    return answer


def await_check(client: Client, text: str, verb: str, **sent: Any) -> None:
    """Ask for a check, wait until it has an end, and say which."""
    answer = change(client, text, verb, **sent)
    path, position = f"/bindings/{answer['id']}", answer["position"]
    given_up_at = time.monotonic() + CHECK_SECONDS_MAX
    binding = client.get(path, at_position=position)
    while binding["status"] in UNDER_CHECK and time.monotonic() < given_up_at:
        if binding["is_in_review"]:
            break
        time.sleep(0.5)
        binding = client.get(path)
    stdout.print(f"{binding['asin']} {binding['status']}", highlight=False)
    show_findings(binding["findings"])
    if binding["status"] in UNDER_CHECK:
        notes.print(f"not at its end yet; see: asin-sync binding show {binding['asin']}")
    if binding["status"] != "listed":
        raise typer.Exit(Exit.SOME_FAILED)


CHECK_SECONDS_MAX = 60.0
UNDER_CHECK = ("requested", "validated", "mapped")

"""`asin-sync audit`: evidence to take away, the checkpoint to keep, and the check of both."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.cli.client import (
    Client,
    Exit,
    Json,
    Lang,
    Reason,
    Seller,
    Server,
    print_json,
    resolved,
    stderr,
)
from api.verifier.check import Verdict, told, verify
from api.verifier.formats import Refused, read_checkpoint


class Form(StrEnum):
    """How a trail is written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


FORMS = {f".{form}": form for form in Form}
File = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, readable=True)]


def add_audit(audit: typer.Typer, find_server: Callable[[], Server]) -> None:
    @audit.command()
    def export(
        binding_id: Annotated[str, typer.Argument(help="Its id, or its ASIN.")],
        output: Annotated[Path | None, typer.Option(help="Default: evidence-ID.zip.")] = None,
        since: Annotated[
            Path | None,
            typer.Option(exists=True, help="A checkpoint you kept: prove that the log grew."),
        ] = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """A binding's evidence, to be verified offline by anybody.

        For example: asin-sync audit export B0TESTAA01 --since yesterday.checkpoint
        """
        client = Client(find_server(), seller, lang, reason)
        inner = resolved(client, binding_id)
        answer = client.ask("GET", f"/bindings/{inner}/evidence", params={"since": size_of(since)})
        file = output or Path(f"evidence-{inner}.zip")
        file.write_bytes(answer.content)
        held = f" --checkpoint {since}" if since else ""
        stderr.print(f"{file} written. Next: asin-sync audit verify {file}{held}")

    @audit.command()
    def checkpoint(
        keys: Annotated[bool, typer.Option(help="The log's public keys instead.")] = False,
        seller: Seller = None,
        reason: Reason = None,
    ) -> None:
        """The newest checkpoint, on stdout. Keep it: a log rewritten later can't match it.

        For example: asin-sync audit checkpoint > "$(date +%F).checkpoint"
        """
        path = "/checkpoint/keys" if keys else "/checkpoint"
        client = Client(find_server(), seller, reason=reason)
        typer.echo(client.ask("GET", path).text, nl=False)

    @audit.command()
    def trail(
        output: Annotated[Path, typer.Option(dir_okay=False, help="The file to write.")],
        form: Annotated[
            Form | None,
            typer.Option("--format", help="Default: what the file's name ends in, else jsonl."),
        ] = None,
        subject: Annotated[str | None, typer.Option(help="An ASIN, or an id.")] = None,
        actor: Annotated[str | None, typer.Option(help="For example key:…, or worker.")] = None,
        type_: Annotated[
            str | None, typer.Option("--type", help="For example asin_binding.price_adjusted.")
        ] = None,
        since: Annotated[str | None, typer.Option("--from", help="RFC 3339.")] = None,
        until: Annotated[str | None, typer.Option("--to", help="RFC 3339, not included.")] = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
    ) -> None:
        """The audit trail as one file, newest first, of any length: what, when, by whom and why.

        For example: asin-sync audit trail --from 2026-11-01T00:00:00Z --output november.csv
        """
        client = Client(find_server(), seller, lang, reason)
        chosen = form or FORMS.get(output.suffix, Form.JSONL)
        parameters = {
            "format": chosen.value, "actor": actor, "type": type_, "from": since, "to": until,
            "subject": named(client, subject) if subject else None,
        }  # fmt: skip
        length = client.save("/audit-trail/export", output, **parameters)
        stderr.print(f"{output} written, {length:,} bytes.")

    @audit.command("verify")
    def verify_bundle(
        bundle: Annotated[Path, typer.Argument(exists=True, help="A zip file, or its folder.")],
        key: File = None,
        checkpoint: File = None,
        policy: File = None,
        as_json: Json = False,
    ) -> None:
        """Verify evidence offline: no server, no database. Exit 1 where anything does not hold.

        --key: the log's keys from another source (audit checkpoint --keys). --checkpoint: one that
        you kept. --policy: a C2SP tlog-policy, where witnesses cosign.
        """
        given = (file.read_text("utf-8") if file else None for file in (key, checkpoint, policy))
        show(verify(bundle, *given), as_json=as_json)


def named(client: Client, subject: str) -> str:
    """The id of what the trail is asked about; an ASIN names its binding."""
    return subject if "_" in subject else resolved(client, subject)


def size_of(since: Path | None) -> int | None:
    """The size of the checkpoint in the file; exit 2 for what is none."""
    if since is None:
        return None
    try:
        return read_checkpoint(since.read_text("utf-8")).size
    except (Refused, UnicodeDecodeError) as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None


def show(verdict: Verdict, *, as_json: bool) -> None:
    """The verdict on stdout; exit 1 for a refusal."""
    if as_json:
        events = [event.leaf for event in verdict.events]
        print_json({**verdict._asdict(), "events": events, "is_verified": verdict.fault is None})
    else:
        for line in told(verdict):
            typer.echo(line)
    raise typer.Exit(Exit.FAILED if verdict.fault else Exit.OK)

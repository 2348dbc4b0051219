"""Joins the parts: settings, clock, stores, marketplaces, web and command line. Nothing imports it.

Imports are inside the commands, so that `--help` and commands that only ask /v1 stay quick.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.applications import add_applications
from api.cli.arbitrage import add_arbitrage
from api.cli.audit import add_audit
from api.cli.audit_log import add_log_commands
from api.cli.client import Exit, Server, print_json, refusals_told, stderr, stdout
from api.cli.examples import teach
from api.cli.precheck import build_policy_commands, policy_named
from api.cli.privacy import add_privacy
from api.cli.program import build_cli
from api.cli.sandbox import add_sandbox_commands
from api.cli.sellers import add_erasure, add_seller_defaults, add_seller_links
from domain.errors import NotFound

if TYPE_CHECKING:
    from infra.installation import Installation
    from infra.settings import Settings

SANDBOX_STOP_SECONDS = 1


def now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


def settings() -> Settings:
    """The settings, or exit 2 saying what can't work."""
    from infra.settings import read_settings

    read = read_settings()
    for fault in read.faults():
        stderr.print(f"[red]settings:[/] {fault}")
    if read.faults():
        raise typer.Exit(2)
    return read


def find_server() -> Server:
    """`ASIN_SYNC_URL` and `ASIN_SYNC_KEY`, else the server that runs beside this checkout."""
    return found_server(needs_key=True)


def find_address() -> Server:
    """The same for whoever has no key yet."""
    return found_server(needs_key=False)._replace(key="")


def found_server(*, needs_key: bool) -> Server:
    read = settings()
    file = read.data_folder / "run.json"
    beside = json.loads(file.read_text("utf-8")) if file.exists() else {}
    url, key = read.url or beside.get("url", ""), read.key or beside.get("key", "")
    if not url or (needs_key and not key):
        stderr.print("no service found: start one with `make run`, or set ASIN_SYNC_URL and _KEY")
        raise typer.Exit(Exit.UNAVAILABLE)
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"ASIN_SYNC_URL is no address that begins with https://: {url}")
    return Server(url.rstrip("/"), key)


def installation() -> Installation:
    """The running installation's database; exit 7 where there is none that may be used."""
    from infra.installation import NotRunning, connect
    from infra.roles import UnsafeRole

    try:
        return connect(settings())
    except (NotRunning, UnsafeRole) as error:
        stderr.print(f"[red]{error}[/]")
        raise typer.Exit(Exit.UNAVAILABLE) from None


cli = build_cli(find_server)
doctor_commands = typer.Typer(invoke_without_command=True)
key_commands = typer.Typer(no_args_is_help=True)
people_commands = typer.Typer(no_args_is_help=True)
projection_commands = typer.Typer(no_args_is_help=True)
sandbox_commands = typer.Typer(no_args_is_help=True)
seller_commands = typer.Typer(no_args_is_help=True)
audit_commands = typer.Typer(no_args_is_help=True)
policy_commands = build_policy_commands()
cli.add_typer(
    seller_commands, name="seller", help="Apply, file, link, settings; a reviewer: approve."
)
cli.add_typer(sandbox_commands, name="sandbox", help="Drive the simulated upstreams.")
cli.add_typer(audit_commands, name="audit", help="Evidence, verified; all checked anew.")
cli.add_typer(policy_commands, name="policy", help="The rules' data, version by version.")
cli.add_typer(projection_commands, name="projections", help="The views: status, rebuild, check.")
cli.add_typer(doctor_commands, name="doctor")
cli.add_typer(people_commands, name="people", help="Who signs in without a key, by OIDC.")
cli.add_typer(key_commands, name="key", help="API keys; rotation of the key that seals.")


@cli.command()
def serve(
    demo: Annotated[bool, typer.Option(help="Make a demo seller and bind 500 rows.")] = False,
) -> None:
    """Serve everything: Postgres (unless DATABASE_URL), sandbox (unless real), worker, web."""
    from api.app import build_app
    from infra.roles import UnsafeRole
    from infra.server_account import PostgresUnavailable
    from infra.serving import serve as serve_all
    from infra.vault import KeysMissing

    try:
        serve_all(settings(), build_app, now, stderr.print, is_demo=demo)
    except (PostgresUnavailable, KeysMissing, UnsafeRole, TimeoutError, OSError) as error:
        stderr.print(f"[red]could not start:[/] {error}")
        raise typer.Exit(Exit.FAILED) from None


@cli.command()
def worker() -> None:
    """Work only: projections, policies, schedule and jobs. Several may run, on many machines."""
    from api.cloud_events import message_of
    from infra.worker import Worker

    Worker(installation(), now, message_of).run()


@doctor_commands.callback()
def doctor(context: typer.Context) -> None:
    """Settings with their defaults, and what of the service answers. Exit 1 on a fault."""
    if context.invoked_subcommand:
        return
    from infra.diagnosis import diagnose

    is_well = True
    for name, state, detail in diagnose(settings()):
        is_well = is_well and state != "fault"
        colour = {"ok": "green", "fault": "red"}.get(state, "dim")
        stdout.print(f"[{colour}]{state:<8}[/] {name:<26} {detail}")
    raise typer.Exit(Exit.OK if is_well else Exit.FAILED)


def amazon_requests() -> Mapping[str, str]:
    """Method and path of all that may be asked of Amazon."""
    from infra.amazon.allowed import REQUESTS

    return REQUESTS


add_privacy(doctor_commands, amazon_requests)


@key_commands.command("create")
def create_key(
    role: Annotated[str, typer.Option(help="seller, reviewer, support, auditor, service, admin.")],
    label: str,
    seller: Annotated[str | None, typer.Option(help="Seller id; none for staff.")] = None,
) -> None:
    """Make a key and print it once; use it as ASIN_SYNC_KEY."""
    from api.ids import inner_id
    from infra.key_commands import create

    with refusals_told():
        inner = inner_id("sel", seller) if seller else None
        print_json(create(installation(), role, inner, label, now))


@key_commands.command("list")
def list_keys() -> None:
    """Every key, without its secret."""
    for key in installation().api_keys.all(None):
        print_json(key.model_dump(mode="json"))


@key_commands.command("revoke")
def revoke_key(
    key_id: str,
    even_if_last: Annotated[
        bool, typer.Option("--even-if-last", help="Also the last that people sign in with.")
    ] = False,
) -> None:
    """Close a key; it opens nothing after five seconds at the latest."""
    from infra.key_commands import revoke

    with refusals_told():
        if not revoke(installation(), key_id, now, may_be_last=even_if_last):
            raise NotFound(f"no open key {key_id}: see asin-sync key list")


@key_commands.command("rotate")
def rotate_keys() -> None:
    """Seal all tokens, files and personal keys under a new key, and destroy the old one.

    Run it monthly: it is what ends erased personal data in backups too. Back up the new key file
    of the keys' folder right away. Safe beside a running service, and to run again if interrupted.
    """
    from infra.key_rotation import rotate

    print_json(rotate(installation())._asdict())


@people_commands.command("invite")
def invite_person(
    email: Annotated[str, typer.Argument(help="As the identity provider has verified it.")],
    role: Annotated[str, typer.Argument(help="admin, reviewer, support, auditor or seller.")],
    seller: Annotated[str | None, typer.Option(help="Seller id, for the role of a seller.")] = None,
) -> None:
    """Let somebody sign in: their first sign-in within 14 days takes the invitation.

    No mail is sent. Inviting again replaces an invitation that is still open.
    """
    from api.ids import inner_id
    from api.log_text import broken_rules
    from domain.errors import Refusal
    from infra.people_commands import invite

    try:
        inner = inner_id("sel", seller) if seller else None
        print_json(invite(installation(), email, role, inner, now))
    except Refusal as refused:
        for broken in broken_rules(refused.fields.get("rules", {}), "en"):
            stderr.print(f"[red]{broken['detail']}[/]")
        stderr.print(f"nobody was invited: {refused.detail}")
        raise typer.Exit(Exit.FAILED) from None


@people_commands.command("list")
def list_people() -> None:
    """Everybody who was ever invited, one a line, the last one first."""
    for person in installation().people(now).all():
        print_json(person.model_dump(mode="json"))


@people_commands.command("revoke")
def revoke_person(
    person_id: str,
    forget: Annotated[bool, typer.Option(help="Erase name and e-mail too.")] = False,
) -> None:
    """End somebody's sessions at once and let them in no more, even the last administrator."""
    from domain.errors import NotFound
    from infra.people_commands import revoke

    try:
        print_json(revoke(installation(), person_id, now, is_forgotten=forget))
    except NotFound:
        stderr.print(f"[red]no such person {person_id}[/]: see `asin-sync people list`")
        raise typer.Exit(Exit.NOT_FOUND) from None


@projection_commands.command("status")
def projections_status() -> None:
    """Where each view stands against the log."""
    from infra.projection_commands import status

    for line in status(installation().database):
        print_json(line)


@projection_commands.command("rebuild")
def projections_rebuild(name: str) -> None:
    """Fill a new generation beside the live one and swap; no effect is repeated."""
    from infra.projection_commands import rebuild

    for line in rebuild(installation().database, name):
        stderr.print(line)


@projection_commands.command("retry")
def projections_retry(name: str) -> None:
    """Let a stopped projection go on, once its cause is mended."""
    from infra.projection_commands import retry

    if not retry(installation().database, name):
        stderr.print(f"[red]{name} is not stopped[/]")
        raise typer.Exit(Exit.NOT_FOUND)


@projection_commands.command("check")
def projections_check() -> None:
    """Fold the log again and compare every row of every view. Exit 1 on any difference."""
    from infra.projection_commands import check

    is_equal = True
    for result in check(installation().database):
        is_equal = is_equal and not result.differences
        print_json(result.as_json())
    raise typer.Exit(Exit.OK if is_equal else Exit.FAILED)


add_audit(audit_commands, find_server)


def checked_whole(kept: list[Path]) -> tuple[dict[str, Any], list[str]]:
    """What `audit fsck` found, for programs and for people."""
    from infra.audit_fsck import check, lines_of

    result = check(installation(), kept)
    return result.as_json(), list(lines_of(result))


def export_log(seller_id: UUID, folder: Path) -> int:
    """Write a seller's log as tiles; exit 1 where it is not as it was logged."""
    from domain.errors import Refusal
    from infra.transparency.log_tables import HashesMissing
    from infra.transparency.tiles import export_tiles

    try:
        return export_tiles(installation().database, seller_id, folder)
    except (Refusal, HashesMissing) as error:
        stderr.print(f"[red]{error}[/]  Next: asin-sync audit fsck")
        raise typer.Exit(Exit.FAILED) from None


def witness(
    state: Path, name: str, logs: list[str], installations: list[str], address: tuple[str, int]
) -> None:
    """Run a witness until it is stopped; exit 1 where it can't start."""
    from infra.transparency.witness_server import NotThisWitness, run_witness

    try:
        run_witness(state, name, logs, installations, address, now)
    except (NotThisWitness, OSError) as error:
        stderr.print(f"could not start: {error}", style="red", markup=False)
        raise typer.Exit(Exit.FAILED) from None


def replayed(summary: Path | None) -> dict[str, Any]:
    """All decisions made again; the counts into a signed file where one is named."""
    from infra.audit_replay import replay, write_summary

    used = installation()
    result = replay(used.database)
    if summary is not None:
        keys = write_summary(result, used.log_keys, summary)
        stderr.print(f"{summary} and {keys} written.")
    return result.as_json()


add_log_commands(audit_commands, checked_whole, export_log, witness, replayed)


@key_commands.command("add-signer")
def add_signer_key() -> None:
    """Begin to rotate the key of the checkpoints: from the next start on, both sign.

    Hand the new key to who verifies (audit checkpoint --keys), then retire the old one.
    """
    from infra.transparency.log_keys import add_signer

    print_json({"epoch": add_signer(installation().settings.keys_folder)})


@key_commands.command("retire-signers")
def retire_signer_keys() -> None:
    """Delete all signing keys but the newest: whoever trusts an older one only can't verify."""
    from infra.transparency.log_keys import retire_signers

    print_json({"retired": retire_signers(installation().settings.keys_folder)})


@policy_commands.command("what-if")
def policy_what_if(draft: Annotated[str, typer.Argument(help="A draft's TOML file.")]) -> None:
    """How many live bindings would be judged otherwise under a draft; nothing is decided."""
    from infra.audit_replay import what_if

    print_json(what_if(installation().database, policy_named(draft)).as_json(), indent=True)


@sandbox_commands.command("serve", hidden=True)
def sandbox_serve(port: int) -> None:
    """Run the sandbox; `serve` does this."""
    import uvicorn

    from infra.sandbox.app import create_app

    folder = settings().data_folder / "sandbox"
    uvicorn.run(
        create_app(folder), host="127.0.0.1", port=port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=SANDBOX_STOP_SECONDS,
    )  # fmt: skip


def find_sandbox() -> str | None:
    """The address of the running sandbox."""
    from infra.installation import sandbox_url_file

    file = sandbox_url_file(settings())
    return file.read_text("utf-8") if file.exists() else None


add_sandbox_commands(sandbox_commands, find_sandbox, find_server)
add_seller_links(seller_commands, find_server)
add_erasure(seller_commands, find_server)


@sandbox_commands.command("sample")
def write_sample(output: Path) -> None:
    """Write the demo seller's 500-row sample CSV."""
    from infra.demo import SELLER_NAME
    from infra.sandbox.sample import write_sample_csv

    write_sample_csv(output, SELLER_NAME)


add_arbitrage(seller_commands, find_server)


add_applications(seller_commands, find_server, find_address)


add_seller_defaults(seller_commands, find_server)


teach(cli)

if __name__ == "__main__":
    cli()

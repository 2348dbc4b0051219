"""One example for each command, shown at the end of its `--help`; and what exit codes mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import typer

EXIT_CODES = (
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 some rows failed, 4 not found, 5 conflict (409, 412), "
    "6 not allowed, 7 unavailable or too many requests (safe to retry), 8 target missed, "
    "130 interrupted."
)
BND, TKT, WHK, SEL = "B0R4CF7JUK", "tkt_1_…", "whk_1_…", "sel_1_…"
EXAMPLES: Mapping[str, str] = {
    "upload": "autumn.csv --key autumn-1",
    "validate": f"{BND} --lang zh",
    "health": "--window 30d --check",
    "alerts": "--state open --limit 20",
    "fees": "9480 --on 2027-01-15 --shipping self",
    "serve": "--demo",
    "worker": "",
    "logs tail": "--outcome failed --follow",
    "report download": "--from 2026-11-01T00:00:00Z --output failures.csv",
    "binding list": "--status suspended --json",
    "binding show": f"{BND} --as-of 2026-11-24T09:00:00Z",
    "binding history": f"{BND} --json",
    "binding remap": f"{BND} sbx-1042",
    "binding resubmit": BND,
    "binding withdraw": BND,
    "binding prove": f"{BND} brand --number 1234567 --file proof.pdf",
    "binding review-image": f'{BND} pass --note "no text on the picture" --seller {SEL}',
    "sync status": "--lang ja",
    "sync run": "stock_price",
    "pricing show": "",
    "pricing set": "--floor-jpy 1000 --charm 80",
    "pricing dry-run": "--follow own_site",
    "pricing import-prices": "prices.csv",
    "ticket open": '--log 4711 --text "Why was it suspended?"',
    "ticket show": TKT,
    "ticket list": "--list due",
    "ticket reply": f'{TKT} --text "Thank you"',
    "ticket resolve": f'{TKT} --cause seller_data --text "The title held a banned word"',
    "ticket hand-over": f'{TKT} --to engineering --why "needs the log of the worker"',
    "webhook add": "https://hooks.example.com/asin-sync --type asin_binding.",
    "webhook list": "--json",
    "webhook show": WHK,
    "webhook change": f"{WHK} --url https://hooks.example.com/2",
    "webhook remove": WHK,
    "webhook attempts": f"{WHK} --limit 20",
    "webhook resend": f"{WHK} --since 2026-11-26T00:00:00Z",
    "webhook test": WHK,
    "events tail": "--type asin_binding. --after start --once --json",
    "category match": '"ホーム&キッチン > タンブラー" "キッチン/食器 > タンブラー"',
    "seller show": "",
    "seller link-amazon": "--wait",
    "seller link-mercari": "--token-file - --shop-id ID",
    "seller erase": "--wait",
    "seller arbitrage": f"{SEL} --json",
    "seller arbitrage-review": f"{SEL} sus_1_… dismiss --cause price_mended",
    "seller terminate": f"{SEL} --cause fraud",
    "seller apply": '--amazon-seller-id A1EXAMPLE00 --shop-name "Example Shop"',
    "seller amend": '--contact-name "Li Hua"',
    "seller application": "--json",
    "seller documents": "business_registration=a.pdf bank_account=b.pdf",
    "seller asin-list": "list.csv",
    "seller undertaking-template": "--output undertaking.html",
    "seller sign-undertaking": 'scan.pdf --signatory "Li Hua" --seal --signature',
    "seller queue": "--json",
    "seller approve": SEL,
    "seller return": f"{SEL} bank_account=out_of_date",
    "seller reject": f'{SEL} "the registration was struck off"',
    "seller settings": f"{SEL} --float-pct 5 --last-units 2",
    "seller brand": f"{SEL} Example 1234567",
    "sandbox serve": "9100",
    "sandbox price": f"{BND} 8980",
    "sandbox quantity": f"{BND} 0",
    "sandbox suspend": BND,
    "sandbox reactivate": BND,
    "sandbox category": f'{BND} "ホーム&キッチン/タンブラー"',
    "sandbox image": f"{BND} watermark",
    "sandbox edit-listing": "SKU --price-jpy 999",
    "sandbox sell": "SKU --units 1",
    "sandbox notify": f"offer {BND}",
    "sandbox forwarder": "on --duplicates 2",
    "sandbox break": "mercari 503_html --count 5",
    "sandbox mend": "",
    "sandbox world": BND,
    "sandbox calls": "",
    "sandbox sweep": "drift",
    "sandbox consent": "URL --deny",
    "sandbox consent-scope": "all",
    "sandbox revoke": "",
    "sandbox sample": "sample.csv",
    "audit export": f"{BND} --since kept.checkpoint",
    "audit checkpoint": "",
    "audit verify": "evidence.zip --checkpoint kept.checkpoint",
    "audit fsck": "--checkpoint kept.checkpoint",
    "audit tiles": f"{SEL} ./log",
    "audit witness": "--name witness.example.com/1 --state witness --installation VKEY",
    "audit trail": "--type asin_binding.listed --format csv --output trail.csv",
    "audit replay": "--summary replay.note",
    "people invite": "tanaka@example.com reviewer",
    "people list": "",
    "people revoke": "4f1c2a9b-…",
    "key add-signer": "",
    "key retire-signers": "",
    "policy list": "",
    "policy diff": "2026-11 2026-11-25",
    "policy what-if": "draft.toml",
    "projections status": "",
    "projections rebuild": "bindings",
    "projections retry": "bindings",
    "projections check": "",
    "doctor": "",
    "doctor privacy": "--lang ja",
    "key create": '--role reviewer "Tanaka"',
    "key list": "",
    "key revoke": "4f1c2a9b7e10",
    "key rotate": "",
}
"""By the command's words. A test names a command that is missing here."""


def teach(cli: typer.Typer) -> None:
    """Put its example at the end of each command's help, and the exit codes at the program's."""
    cli.info.epilog = EXIT_CODES
    for name, command in commands_of(cli):
        command.epilog = f"Example:  asin-sync {f'{name} {EXAMPLES[name]}'.strip()}"


def commands_of(
    group: typer.Typer, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, typer.models.CommandInfo | typer.models.TyperInfo]]:
    """Every command by its words; a group that does something by itself is one too."""
    for command in group.registered_commands:
        named = command.name or getattr(command.callback, "__name__", "").replace("_", "-")
        yield " ".join((*words, named)), command
    for inner in group.registered_groups:
        if inner.typer_instance is None or not inner.name:
            continue
        if inner.typer_instance.info.invoke_without_command is True:
            yield " ".join((*words, inner.name)), inner
        yield from commands_of(inner.typer_instance, (*words, inner.name))

"""The command line for sellers, support and auditors: every command asks /v1, nothing else.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 ok, 1 failed, 2 usage, 3 some rows
failed, 4 not found, 5 conflict, 6 not allowed, 7 unavailable (safe to retry), 8 target missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import httpx
import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.error_codes import LANGUAGES

TIMEOUT_SECONDS = 60.0
TAIL_SECONDS = 1.0

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Seller = Annotated[str | None, typer.Option(help="The seller, for keys that see several.")]
Lang = Annotated[str | None, typer.Option(help="zh, ja or en.")]
AsOf = Annotated[str | None, typer.Option(help="An instant of the past, RFC 3339.")]


class Exit(IntEnum):
    """What the shell is told."""

    OK = 0
    FAILED = 1
    SOME_FAILED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    NOT_ALLOWED = 6
    UNAVAILABLE = 7
    TARGET_MISSED = 8


EXITS = {401: Exit.NOT_ALLOWED, 403: Exit.NOT_ALLOWED, 404: Exit.NOT_FOUND, 409: Exit.CONFLICT,
         412: Exit.CONFLICT, 428: Exit.CONFLICT, 429: Exit.UNAVAILABLE, 502: Exit.UNAVAILABLE,
         503: Exit.UNAVAILABLE}  # fmt: skip

stdout, stderr = Console(soft_wrap=True), Console(stderr=True)


class Server(NamedTuple):
    """Where the service is, and the key to it."""

    url: str
    key: str


class Client:
    """Asks the service; a refusal ends the command with its code and the next step."""

    def __init__(self, server: Server, seller: str | None = None, lang: str | None = None) -> None:
        if lang is not None and lang not in LANGUAGES:
            raise typer.BadParameter(f"choose one of {', '.join(LANGUAGES)}", param_hint="--lang")
        given = {"seller_id": seller, "lang": lang}
        self._http = httpx.Client(
            base_url=f"{server.url}/v1",
            headers={"Authorization": f"Bearer {server.key}"},
            params={name: value for name, value in given.items() if value},
            timeout=TIMEOUT_SECONDS,
        )

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request. Raises typer.Exit after saying what was refused and why."""
        parameters = options.pop("params", {})
        wanted = {name: value for name, value in parameters.items() if value is not None}
        try:
            answer = self._http.request(
                method, path, params={**self._http.params, **wanted}, **options
            )
        except httpx.HTTPError as error:
            stderr.print(f"[red]no answer from the service:[/] {error}")
            raise typer.Exit(Exit.UNAVAILABLE) from None
        if answer.is_error:
            explain(answer)
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        return self.ask("GET", path, params=parameters).json()


def explain(answer: httpx.Response) -> None:
    """Say the problem and its next step on stderr, and end with the exit code for it."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {"title": answer.text[:200], "code": str(answer.status_code)}
    stderr.print(
        f"[red]{problem.get('code')}[/] {problem.get('title')} {problem.get('detail', '')}"
    )
    for error in problem.get("errors", []):
        stderr.print(f"  · {error.get('detail')}")
    if action := problem.get("action"):
        stderr.print(f"  → {action}")
    if request_id := problem.get("request_id"):
        stderr.print(f"  request {request_id}", style="dim")
    raise typer.Exit(EXITS.get(answer.status_code, Exit.FAILED))


def build_cli(find_server: Callable[[], Server]) -> typer.Typer:
    """The commands; `find_server` says where the service is."""
    cli = typer.Typer(
        help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=True
    )
    add_upload(cli, find_server)
    add_validate(cli, find_server)
    add_views(cli, find_server)
    cli.add_typer(binding_commands(find_server), name="binding", help="List, show and change.")
    return cli


def add_upload(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    @cli.command()
    def upload(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
        seller: Seller = None,
        lang: Lang = None,
        as_json: Json = False,
        key: Annotated[str | None, typer.Option(help="Idempotency key; sent again = once.")] = None,
    ) -> None:
        """Bind the ASINs of a CSV file and watch each row come to its fate."""
        client = Client(find_server(), seller, lang)
        calls_before = client.get("/upstream-calls")["total"]
        headers = {"Idempotency-Key": key} if key else {}
        with file.open("rb") as content:
            files = {"file": (file.name, content, "text/csv")}
            accepted = client.ask("POST", "/submissions", files=files, headers=headers).json()
        began = time.monotonic()
        result = followed(client, accepted)
        seconds = time.monotonic() - began
        time.sleep(TAIL_SECONDS)  # the worker counts its calls once a second
        calls = client.get("/upstream-calls")["total"] - calls_before
        show_upload(result, as_json=as_json)
        listed = result["counts"].get("listed", 0)
        stderr.print(
            f"{result['settled_count']} rows in {seconds:.1f} s; {calls} upstream calls,"
            f" {least_calls(result['row_count'], listed)} is the least possible"
        )
        bad = {fate: n for fate, n in result["counts"].items() if fate in FAILED_FATES}
        if bad:
            stderr.print(
                f"{sum(bad.values())} rows were not listed: correct and send again\n"
                f"  asin-sync report download --submission {result['id']} --output failures.csv"
            )
            raise typer.Exit(Exit.SOME_FAILED)


FAILED_FATES = ("rejected", "refused", "failed", "suspended")


def least_calls(rows: int, listed: int) -> int:
    """20 ASINs a listings call and a catalogue call, 50 SKUs an FBA call, 4 calls a new listing."""
    return 2 * -(-rows // 20) + -(-rows // 50) + 4 * listed


def followed(client: Client, accepted: dict[str, Any]) -> dict[str, Any]:
    """Show progress on stderr until every row has its fate; return the upload."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=stderr) as progress:
        task = progress.add_task("waiting", total=None)
        position = accepted["position"]
        while True:
            upload = client.get(f"/submissions/{accepted['id']}", at_position=position)
            said = " · ".join(f"{fate} {n}" for fate, n in sorted(upload["counts"].items()))
            progress.update(
                task, total=upload["row_count"], completed=upload["settled_count"],
                description=said or "checking",
            )  # fmt: skip
            if upload["status"] != "open":
                return dict(upload)
            time.sleep(0.5)


def show_upload(upload: dict[str, Any], *, as_json: bool) -> None:
    """One line a row: number, ASIN, fate, codes, what to do."""
    if as_json:
        for row in upload["rows"]:
            print_json(row)
        return
    table = Table("row", "ASIN", "fate", "codes", "what to do")
    for row in upload["rows"]:
        codes = " ".join(row["codes"])
        action = row["detail"] or row["suggested_action"] or ""
        table.add_row(str(row["row"]), row["asin"], row["fate"] or "…", codes, action)
    stdout.print(table)


def add_validate(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    @cli.command()
    def validate(
        asins: Annotated[list[str], typer.Argument(metavar="ASIN…")],
        category: Annotated[str | None, typer.Option(help="Mercari category id.")] = None,
        seller: Seller = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """Dry run of the pre-check: nothing is bound. Exit 3 where an ASIN would not pass."""
        client = Client(find_server(), seller, lang)
        verdicts = []
        for asin in asins:
            body = {"asin": asin, "mercari_category_id": category}
            judged = client.ask("POST", "/validator", json=body).json()
            verdicts.append(judged["verdict"])
            print_json(judged) if as_json else show_judgement(judged)
        if any(verdict != "pass" for verdict in verdicts):
            raise typer.Exit(Exit.SOME_FAILED)


def show_judgement(judged: dict[str, Any]) -> None:
    stdout.print(f"[bold]{judged['asin']}[/] {judged['verdict']}  {judged.get('title') or ''}")
    checks = [*judged["gates"], judged["category"], *judged["compliance"], judged["image"],
              judged["warranty"]]  # fmt: skip
    for check in checks:
        for found in check.get("findings", []):
            stdout.print(f"  {found['code']} {found['field']}: {found['seen']}")
            stdout.print(f"    → {found['action']}")
    for other in judged["category"]["alternatives"]:
        stdout.print(f"  ? {' > '.join(other['path'])} ({other['match_rate']:g} %)")


def add_views(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    logs = typer.Typer(help="The sync log.", no_args_is_help=True)
    report = typer.Typer(help="The failure report.", no_args_is_help=True)
    cli.add_typer(logs, name="logs")
    cli.add_typer(report, name="report")

    @logs.command()
    def tail(
        code: str | None = None,
        asin: str | None = None,
        outcome: str | None = None,
        lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=200)] = 20,
        follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
        seller: Seller = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """The newest lines of the sync log; with --follow, new ones as they come."""
        client = Client(find_server(), seller, lang)
        filters = {"code": code, "asin": asin, "outcome": outcome}
        for line in log_lines(client, filters, lines, follow=follow):
            print_json(line) if as_json else stdout.print(said(line))

    @cli.command()
    def health(
        window: Annotated[str, typer.Option(help="24h or 30d.")] = "24h",
        check: Annotated[bool, typer.Option(help="Exit 8 where a target is missed.")] = False,
        seller: Seller = None,
        as_json: Json = False,
    ) -> None:
        """The health score: three KPIs, their targets, what is failing."""
        score = Client(find_server(), seller).get("/health-score", window=window)
        print_json(score) if as_json else show_health(score)
        if check and missed(score):
            raise typer.Exit(Exit.TARGET_MISSED)

    @report.command()
    def download(
        output: Annotated[Path | None, typer.Option(help="A file; else stdout.")] = None,
        submission: Annotated[str | None, typer.Option(help="Only this upload's rows.")] = None,
        since: Annotated[str | None, typer.Option("--from")] = None,
        until: Annotated[str | None, typer.Option("--to")] = None,
        seller: Seller = None,
        lang: Lang = None,
    ) -> None:
        """The failures as CSV, to correct and send again."""
        parameters = {"submission_id": submission, "from": since, "to": until}
        client = Client(find_server(), seller, lang)
        content = client.ask("GET", "/failure-report.csv", params=parameters).content
        if output is None:
            typer.echo(content.decode(), nl=False)
            return
        output.write_bytes(content)
        stderr.print(f"wrote {output}")


def log_lines(
    client: Client, filters: dict[str, Any], lines: int, *, follow: bool
) -> Iterator[dict[str, Any]]:
    """The newest lines, oldest first, then those that follow."""
    seen = -1
    while True:
        page = client.get("/sync-log", limit=lines if seen < 0 else 200, **filters)["items"]
        yield from reversed([each for each in page if each["position"] > seen])
        seen = max([seen, *(line["position"] for line in page)])
        if not follow:
            return
        time.sleep(TAIL_SECONDS)


def said(line: dict[str, Any]) -> str:
    mark = {"ok": "[green]ok[/]", "failed": "[red]failed[/]"}.get(
        line["outcome"], "[yellow]retry[/]"
    )
    who = line["asin"] or ""
    return f"{line['time']}  {mark:<8} {who:<10} {line['error_code'] or '':<6} {line['detail']}"


def missed(score: dict[str, Any]) -> list[str]:
    """The KPIs that miss their target; one without a figure misses nothing."""
    targets = score["targets"]
    found = []
    for name, target in targets.items():
        rate = score[name]
        if rate is not None and (rate > target if "deviation" in name else rate < target):
            found.append(name)
    return found


def show_health(score: dict[str, Any]) -> None:
    table = Table("KPI", "now", "target")
    for name, target in score["targets"].items():
        rate = score[name]
        table.add_row(name, "not inspected" if rate is None else f"{rate:.2%}", f"{target:.1%}")
    stdout.print(f"score {score['score']}  ({score['window']}, position {score['as_of_position']})")
    stdout.print(table)
    for each in score["failing"]:
        stdout.print(f"  {each['code']}  {each['bindings']} bindings  {each['failures']} failures")


def binding_commands(find_server: Callable[[], Server]) -> typer.Typer:
    binding = typer.Typer(no_args_is_help=True)

    @binding.command("list")
    def list_(
        status: str | None = None,
        asin: str | None = None,
        error_code: str | None = None,
        limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
        seller: Seller = None,
        as_json: Json = False,
    ) -> None:
        """Bindings, newest change first."""
        client = Client(find_server(), seller)
        page = client.get("/bindings", status=status, asin=asin, error_code=error_code, limit=limit)
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
    ) -> None:
        """One binding: now, or as of an instant or a version."""
        client = Client(find_server(), seller)
        path = f"/bindings/{resolved(client, binding_id)}"
        print_json(client.get(path, as_of=as_of, at_version=at_version), indent=True)

    @binding.command()
    def history(
        binding_id: str, as_of: AsOf = None, seller: Seller = None, as_json: Json = False
    ) -> None:
        """Every event of the binding, oldest first."""
        client = Client(find_server(), seller)
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
    def remap(binding_id: str, category: str, seller: Seller = None) -> None:
        """Choose another Mercari category; off sale until checked again."""
        change(
            Client(find_server(), seller), binding_id, "remap", {"mercari_category_id": category}
        )

    @binding.command()
    def resubmit(binding_id: str, seller: Seller = None) -> None:
        """Check again after the cause was mended."""
        change(Client(find_server(), seller), binding_id, "resubmit", None)

    @binding.command()
    def withdraw(binding_id: str, seller: Seller = None) -> None:
        """Take the ASIN back; its listing is closed."""
        change(Client(find_server(), seller), binding_id, "withdraw", None)

    return binding


def resolved(client: Client, text: str) -> str:
    """The id of a binding named by id or by ASIN."""
    if text.startswith("bnd_"):
        return text
    items = client.get("/bindings", asin=text.upper(), limit=1)["items"]
    if not items:
        stderr.print(f"[red]not-found[/] no binding of {text}")
        raise typer.Exit(Exit.NOT_FOUND)
    return str(items[0]["id"])


def change(client: Client, text: str, verb: str, body: dict[str, Any] | None) -> None:
    """Send the change for the version that is shown now."""
    identity = resolved(client, text)
    version = client.get(f"/bindings/{identity}")["version"]
    headers = {"If-Match": f'"v{version}"'}
    answer = client.ask("POST", f"/bindings/{identity}/{verb}", json=body, headers=headers)
    print_json(answer.json())


def print_json(value: Any, *, indent: bool = False) -> None:
    options = orjson.OPT_INDENT_2 if indent else None
    typer.echo(orjson.dumps(value, option=options).decode())

"""What every command shares: the service and the key to it, exit codes, how answers are printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

import httpx
import orjson
import typer
from rich.console import Console
from rich.markup import escape

from domain.error_codes import LANGUAGES
from domain.errors import NotFound, Refusal
from domain.texts import rule_text

TIMEOUT_SECONDS = 60.0

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Seller = Annotated[str | None, typer.Option(help="The seller, for keys that see several.")]
Reason = Annotated[
    str | None, typer.Option(help="Why you look at the seller, for staff's keys; it is recorded.")
]
Lang = Annotated[str | None, typer.Option(help="zh, ja or en.")]
AsOf = Annotated[str | None, typer.Option(help="An instant of the past, RFC 3339.")]


_PATH = re.compile(r"[/0-9A-Za-z._~:%@-]+")


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
notes = Console(stderr=True)
"""Progress and remarks, which `--quiet` leaves out; errors go to `stderr`."""


class Server(NamedTuple):
    """Where the service is, and the key to it; whoever applies has none yet."""

    url: str
    key: str


def authorised(server: Server) -> dict[str, str]:
    """The key, for whoever has one."""
    return {"Authorization": f"Bearer {server.key}"} if server.key else {}


class Client:
    """Asks the service; a refusal ends the command with its code and the next step."""

    def __init__(
        self,
        server: Server,
        seller: str | None = None,
        lang: str | None = None,
        reason: str | None = None,
    ) -> None:
        if lang is not None and lang not in LANGUAGES:
            raise typer.BadParameter(f"choose one of {', '.join(LANGUAGES)}", param_hint="--lang")
        given = {"seller_id": seller, "lang": lang}
        self._http = httpx.Client(
            base_url=f"{server.url}/v1",
            headers={**authorised(server), **stated(reason)},
            params={name: value for name, value in given.items() if value},
            timeout=TIMEOUT_SECONDS,
        )

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request. Raises typer.Exit after saying what was refused and why."""
        parameters = options.pop("params", {})
        wanted = {name: value for name, value in parameters.items() if value is not None}
        ensure_sendable(path, wanted)
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

    def save(self, path: str, file: Path, **parameters: Any) -> int:
        """An answer of any length into a file, as it comes; return its bytes. Asks nothing more.

        Raises typer.Exit as `ask` does; the file then stays as it was.
        """
        wanted = {name: value for name, value in parameters.items() if value is not None}
        ensure_sendable(path, wanted)
        beside = file.with_name(f"{file.name}.part")
        try:
            with (
                closing(self._http),
                self._http.stream("GET", path, params={**self._http.params, **wanted}) as answer,
            ):
                if answer.is_error:
                    answer.read()
                    explain(answer)
                with beside.open("wb") as part:
                    length = sum(part.write(piece) for piece in answer.iter_bytes())
        except httpx.HTTPError as error:
            stderr.print(f"[red]no answer from the service:[/] {error}")
            raise typer.Exit(Exit.UNAVAILABLE) from None
        beside.replace(file)
        return length

    def get(self, path: str, **parameters: Any) -> Any:
        return self.ask("GET", path, params=parameters).json()


def ensure_sendable(path: str, parameters: Mapping[str, Any]) -> None:
    """What was typed is an id, and texts that are texts. Raises typer.BadParameter."""
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        raise typer.BadParameter(f"no id: {path.rpartition('/')[2]!r}")
    for name, value in parameters.items():
        if not is_text(str(value)):
            raise typer.BadParameter(f"no text in UTF-8: {str(value)!r}", param_hint=f"--{name}")


def is_text(value: str) -> bool:
    """Bytes of the command line that are no UTF-8 arrive as halves of characters."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def stated(reason: str | None) -> dict[str, str]:
    """The header that says why staff look at a seller; any language fits into it."""
    return {"Access-Reason": quote(reason)} if reason else {}


def explain(answer: httpx.Response) -> None:
    """Say the problem and its next step on stderr, and end with the exit code for it."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {"title": answer.text[:200], "code": str(answer.status_code)}
    stderr.print(
        f"[red]{problem.get('code')}[/] "
        + escape(f"{problem.get('title')} {problem.get('detail', '')}")
    )
    for error in problem.get("errors", []):
        where = error.get("field") or error.get("pointer", "").rpartition("/")[2]
        place = f"{where}: " if where else ""
        stderr.print(escape(f"  · {place}{error.get('detail')}"))
    if problem.get("code") == "seller-required":
        stderr.print("  → --seller sel_1_…")
    if problem.get("code") == "reason-required":
        stderr.print("  → --reason TEXT")
    if wait_seconds := answer.headers.get("retry-after"):
        stderr.print(f"  → try again in {wait_seconds} s")
    if action := problem.get("action"):
        stderr.print(escape(f"  → {action}"))
    if request_id := problem.get("request_id"):
        stderr.print(f"  request {request_id}", style="dim")
    raise typer.Exit(EXITS.get(answer.status_code, Exit.FAILED))


@contextmanager
def refusals_told() -> Iterator[None]:
    """For commands that work on the installation itself: a refusal as the service tells it."""
    try:
        yield
    except Refusal as refusal:
        stderr.print(f"[red]{refusal.code}[/] " + escape(refusal.detail))
        for name, key in refusal.fields.get("rules", {}).items():
            stderr.print(escape(f"  · {name}: {rule_text(key, {}, 'en')}"))
        not_found = isinstance(refusal, NotFound)
        raise typer.Exit(Exit.NOT_FOUND if not_found else Exit.FAILED) from None


def resolved(client: Client, text: str) -> str:
    """The id of a binding named by id or by ASIN."""
    if text.startswith("bnd_"):
        return text
    items = client.get("/bindings", asin=text.upper(), limit=1)["items"]
    if not items:
        stderr.print(f"[red]not-found[/] no binding of {escape(text)}")
        raise typer.Exit(Exit.NOT_FOUND)
    return str(items[0]["id"])


def show_findings(findings: Iterable[Mapping[str, Any]]) -> None:
    """What was found wrong: the value seen, the rule, and the next step."""
    for found in findings:
        stdout.print(escape(f"  {found['code']} {found['field']}: {found['seen']}"))
        stdout.print(escape(f"    {found['rule']}"), style="dim")
        stdout.print(escape(f"    → {found['action']}"))


def print_json(value: Any, *, indent: bool = False) -> None:
    options = orjson.OPT_INDENT_2 if indent else None
    typer.echo(orjson.dumps(value, option=options).decode())

"""`asin-sync validate`, `category` and `policy`: the rules, on Amazon's answer or on a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import BaseModel, ValidationError
from rich.markup import escape

from api.answers import judgement_answer
from api.cli.client import (
    Client,
    Exit,
    Json,
    Lang,
    Reason,
    Seller,
    Server,
    print_json,
    show_findings,
    stderr,
    stdout,
)
from api.l10n import JST
from domain.error_codes import LANGUAGES, Language
from domain.policy import NoSuchPolicy, Policy, policy_from, policy_of, policy_versions
from domain.policy.category_policy import path_of
from domain.policy.comparison import Difference, differences
from domain.reference_tree import reference_tree
from domain.rules.categories import answer_of, match_category
from domain.snapshots import Snapshot, judge_snapshot


def add_validate(cli: typer.Typer, find_server: Callable[[], Server]) -> None:
    @cli.command()
    def validate(
        asins: Annotated[list[str] | None, typer.Argument(metavar="ASIN…")] = None,
        category: Annotated[str | None, typer.Option(help="Mercari category id.")] = None,
        facts: Annotated[Path | None, typer.Option(help=FACTS, exists=True)] = None,
        seller: Seller = None,
        reason: Reason = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """Dry run of the pre-check: nothing is bound. Exit 3 where an ASIN would not pass."""
        if bool(asins) == bool(facts):
            raise typer.BadParameter("name ASINs, or a file with --facts")
        if facts is not None:
            answers = judged_offline(facts, language_of(lang))
        else:
            answers = judged_by_service(
                Client(find_server(), seller, lang, reason), asins or [], category
            )
        verdicts = []
        for judged in answers:
            verdicts.append(judged["verdict"])
            print_json(judged) if as_json else show_judgement(judged)
        if any(verdict != "pass" for verdict in verdicts):
            raise typer.Exit(Exit.SOME_FAILED)


FACTS = "Judge snapshots from a file, one JSON object a line, offline (see docs/validate-facts.md)."


def judged_by_service(
    client: Client, asins: list[str], category: str | None
) -> Iterator[dict[str, Any]]:
    for asin in asins:
        body = {"asin": asin, "mercari_category_id": category}
        yield client.ask("POST", "/validator", json=body).json()


def judged_offline(file: Path, language: Language) -> Iterator[dict[str, Any]]:
    """Each line judged by the current policy. Raises typer.Exit for a line that can't be read."""
    policy, today = policy_of(), datetime.now(JST).date()
    for number, line in lines_of(file):
        try:
            snapshot = Snapshot.model_validate_json(line)
        except ValidationError as error:
            refuse_line(file, number, error)
        yield judgement_answer(judge_snapshot(policy, snapshot), language, today)


def lines_of(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        stderr.print(f"[red]E-400[/] {escape(file.name)} is not in UTF-8 (byte {error.start})")
        raise typer.Exit(USAGE) from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line


def refuse_line(file: Path, number: int, error: ValidationError) -> NoReturn:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "the line"
    said = escape(f"{file.name} line {number}: {place}: {first['msg']}")
    stderr.print(f"[red]E-400[/] {said}")
    raise typer.Exit(USAGE)


USAGE = 2


def language_of(lang: str | None) -> Language:
    return next((each for each in LANGUAGES if each == lang), "en")


def show_judgement(judged: dict[str, Any]) -> None:
    title = escape(judged.get("title") or "")
    stdout.print(f"[bold]{escape(judged['asin'])}[/] {judged['verdict']}  {title}")
    checks = [*judged["gates"], judged["category"], *judged["compliance"], judged["image"],
              judged["warranty"]]  # fmt: skip
    for check in checks:
        show_findings(check.get("findings", []))
    if said := judged["image"]["said"]:
        stdout.print(escape(f"  {said}"), style="dim")
    for other in judged["category"]["alternatives"]:
        stdout.print(escape(f"  ? {in_short(other)}"))


def category_commands() -> typer.Typer:
    """`asin-sync category`."""
    category = typer.Typer(no_args_is_help=True)

    @category.callback()
    def about() -> None:
        """How well a Mercari category holds an Amazon product; needs no server."""

    @category.command()
    def match(
        amazon_path: Annotated[str | None, typer.Argument(help="Names joined by ` > `.")] = None,
        mercari_category: Annotated[str | None, typer.Argument(help="A path or an id.")] = None,
        title: str = "",
        product_type: str = "",
        json_lines: Annotated[Path | None, typer.Option(help=PAIRS, exists=True)] = None,
        lang: Lang = None,
        as_json: Json = False,
    ) -> None:
        """The match rate, the reason in words, and the best alternatives below 92 %."""
        if (amazon_path is None or mercari_category is None) == (json_lines is None):
            raise typer.BadParameter("give an Amazon path and a Mercari category, or --json-lines")
        if json_lines is not None:
            for number, line in lines_of(json_lines):
                print_json(matched(pair_in(json_lines, number, line), language_of(lang)))
            return
        pair = Pair(
            amazon_path=amazon_path or "", mercari_category=mercari_category or "", title=title,
            product_type=product_type,
        )  # fmt: skip
        answer = matched(pair, language_of(lang))
        print_json(answer) if as_json else show_match(answer)

    return category


PAIRS = "One {amazon_path, product_type, title, mercari_category} a line; one answer a line."


class Pair(BaseModel):
    """A product's place on Amazon, and the Mercari category chosen for it."""

    amazon_path: str = ""
    product_type: str | None = None
    title: str | None = None
    mercari_category: str


def pair_in(file: Path, number: int, line: str) -> Pair:
    try:
        return Pair.model_validate_json(line)
    except ValidationError as error:
        refuse_line(file, number, error)


def matched(pair: Pair, language: Language) -> dict[str, Any]:
    """The answer for one pair, by the current policy and the reference tree."""
    policy, tree = policy_of(), reference_tree()
    leaves = {path: category_id for category_id, path in tree.items()}
    chosen = tree.get(pair.mercari_category) or path_of(pair.mercari_category)
    match = match_category(
        policy.categories, path_of(pair.amazon_path), pair.product_type, pair.title,
        chosen if chosen in leaves else (), leaves,
    )  # fmt: skip
    line_pct = policy.categories.match_rate_pct_min
    return {**answer_of(match, line_pct, language, leaves), "policy": policy.version}


def in_short(other: dict[str, Any]) -> str:
    """A category that fits better, with the id to use."""
    path, identity = " > ".join(other["path"]), other["mercari_category_id"]
    return f"{identity}  {path} ({other['match_rate']:g} %)"


def show_match(answer: dict[str, Any]) -> None:
    reason = escape(answer["reason"])
    stdout.print(f"[bold]{answer['match_rate']:g} %[/] {answer['verdict']}  {reason}")
    for other in answer["alternatives"]:
        stdout.print(escape(f"  ? {in_short(other)}"))


def build_policy_commands() -> typer.Typer:
    """`asin-sync policy`."""
    policy = typer.Typer(no_args_is_help=True)

    @policy.command("list")
    def list_() -> None:
        """The versions that decisions are made under; the last is today's."""
        for version in policy_versions():
            typer.echo(version)

    @policy.command()
    def diff(
        before: Annotated[str, typer.Argument(help="A version, or the file of a draft.")],
        after: Annotated[str, typer.Argument(help="A version, or the file of a draft.")],
        as_json: Json = False,
    ) -> None:
        """What differs between two versions, value by value. Exit 1 where anything does."""
        found = differences(policy_named(before), policy_named(after))
        for each in found:
            print_json(each._asdict()) if as_json else show_difference(each)
        raise typer.Exit(Exit.FAILED if found else Exit.OK)

    return policy


def policy_named(name: str) -> Policy:
    """A version, or the TOML file of a draft. Raises typer.BadParameter for neither."""
    file = Path(name)
    try:
        if file.is_file():
            return policy_from(file.stem, file.read_text("utf-8"))
        return policy_of(name)
    except NoSuchPolicy:
        known = ", ".join(policy_versions())
        raise typer.BadParameter(f"no policy {name}: there are {known}") from None
    except (ValueError, KeyError) as error:
        raise typer.BadParameter(f"{name} is no policy: {error}") from None


def show_difference(found: Difference) -> None:
    if found.before is not None:
        stdout.print(escape(f"- {found.place}: {found.before}"), style="red")
    if found.after is not None:
        stdout.print(escape(f"+ {found.place}: {found.after}"), style="green")

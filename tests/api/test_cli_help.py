"""The command line teaches: every command's help ends with an example that would be understood."""

from __future__ import annotations

import shlex
from typing import Any

import httpx
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from api.cli.client import EXITS, Exit, explain
from api.cli.examples import EXAMPLES, EXIT_CODES
from main import cli

RUNNER = CliRunner()
WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


def commands(command: Any, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every command that does something, by its words."""
    found = {} if hasattr(command, "commands") else {" ".join(words): command}
    if getattr(command, "invoke_without_command", False) and words:
        found[" ".join(words)] = command
    for name, inner in getattr(command, "commands", {}).items():
        found |= commands(inner, (*words, name))
    return found


PROGRAM = get_command(cli)
COMMANDS = commands(PROGRAM)


def test_every_command_has_an_example_and_every_example_a_command() -> None:
    assert set(COMMANDS) == set(EXAMPLES)


def test_every_help_says_what_the_command_does_and_ends_with_its_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name, command in COMMANDS.items():
        PROGRAM.main([*name.split(), "--help"], prog_name="asin-sync", standalone_mode=False)
        told = " ".join(capsys.readouterr().out.split())
        assert command.help, name
        assert f"Example: asin-sync {name}" in told, name


def test_every_example_gives_what_the_command_takes_and_nothing_else() -> None:
    for name, example in EXAMPLES.items():
        command, given = COMMANDS[name], shlex.split(example)
        params, positional = command.params, []
        options = {text: each for each in params for text in (*each.opts, *each.secondary_opts)}
        asked = [each for each in params if not each.opts[0].startswith("-")]
        while given:
            word = given.pop(0)
            if not word.startswith("--"):
                positional.append(word)
                continue
            assert word in options, (name, word)
            if not options[word].is_flag:
                given.pop(0)
        needed = [each for each in asked if each.required]
        is_open = any(each.nargs == -1 for each in asked)
        assert len(needed) <= len(positional), name
        assert is_open or len(positional) <= len(asked), name


def test_the_program_says_its_exit_codes_and_they_are_the_ones_it_has() -> None:
    told = RUNNER.invoke(cli, ["--help"], env=WIDE)
    assert told.exit_code == 0
    for code in {*Exit} | set(EXITS.values()):
        assert f"{code.value} " in EXIT_CODES
    assert "8 target missed" in " ".join(told.output.split())


def test_the_shell_can_complete_commands() -> None:
    for shell in ("bash", "zsh", "fish"):
        shown = RUNNER.invoke(cli, ["--show-completion", shell], prog_name="asin-sync")
        assert shown.exit_code == 0
        assert "asin-sync" in shown.output
    typed = {"COMP_WORDS": "asin-sync bind", "COMP_CWORD": "1"}
    completed = RUNNER.invoke(
        cli, [], prog_name="asin-sync",
        env={"_ASIN_SYNC_COMPLETE": "complete_bash", **typed},
    )  # fmt: skip
    assert "binding" in completed.output


def test_usage_that_is_wrong_exits_two_and_says_what_is() -> None:
    for wrong in (["nothing"], ["binding", "show"], ["fees", "x"], ["health", "--colour"]):
        assert RUNNER.invoke(cli, wrong, env=WIDE).exit_code == 2


def test_who_asks_too_often_is_told_when_to_try_again(capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"code": "too-many-requests", "title": "Too many requests", "request_id": "r-1"}
    with pytest.raises(typer.Exit) as ended:
        explain(httpx.Response(429, headers={"Retry-After": "7"}, json=problem))
    assert ended.value.exit_code == Exit.UNAVAILABLE
    told = capsys.readouterr().err
    for word in ("too-many-requests", "Too many requests", "try again in 7 s", "r-1"):
        assert word in told

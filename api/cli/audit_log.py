"""`asin-sync audit tiles`, `witness`, `replay`: a log handed over, others' watched, ours judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli.client import Exit, Json, print_json, stderr
from api.ids import inner_id

ExportLog = Callable[[UUID, Path], int]
Witness = Callable[[Path, str, list[str], list[str], tuple[str, int]], None]
Fsck = Callable[[list[Path]], tuple[Mapping[str, Any], list[str]]]
Replay = Callable[[Path | None], Mapping[str, Any]]


def add_log_commands(
    audit: typer.Typer,
    check_whole: Fsck,
    export_log: ExportLog,
    run_witness: Witness,
    make_again: Replay,
) -> None:
    @audit.command()
    def replay(
        summary: Annotated[
            Path | None, typer.Option(dir_okay=False, help="Write the counts there, signed.")
        ] = None,
    ) -> None:
        """Make every past decision again under its own policy. Exit 1 on any difference.

        --summary FILE is a note signed by the logs' keys (C2SP signed-note), and FILE.vkey has
        those: openssl and every verifier of signed notes check it. doctor shows the same vkey.
        """
        result = make_again(summary)
        print_json(result, indent=True)
        raise typer.Exit(Exit.FAILED if result["different"] else Exit.OK)

    @audit.command()
    def fsck(
        checkpoint: Annotated[
            list[Path] | None,
            typer.Option(exists=True, dir_okay=False, help="One that you kept; may be repeated."),
        ] = None,
        as_json: Json = False,
    ) -> None:
        """Derive every leaf and checkpoint again from the stored events. Exit 1 on a difference.

        Names the first position that differs. Compares what the signer remembers outside the
        database, and any checkpoint that you kept.
        """
        found, lines = check_whole(checkpoint or [])
        if as_json:
            print_json(found)
        else:
            typer.echo("\n".join(lines))
        raise typer.Exit(Exit.FAILED if found["different"] else Exit.OK)

    @audit.command()
    def tiles(
        seller: Annotated[str, typer.Argument(help="Whose log: sel_1_….")],
        folder: Annotated[Path, typer.Argument(file_okay=False, help="A new or empty folder.")],
    ) -> None:
        """A seller's whole log as files (C2SP tlog-tiles), to archive or to serve to monitors.

        For example: asin-sync audit tiles sel_1_… ./log
        """
        if folder.exists() and any(folder.iterdir()):
            raise typer.BadParameter(f"{folder} is not empty", param_hint="FOLDER")
        stderr.print(f"{export_log(inner_id('sel', seller), folder)} leaves in {folder}")

    @audit.command()
    def witness(
        name: Annotated[str, typer.Option(help="Its permanent name: witness.example.com/1.")],
        state: Annotated[Path, typer.Option(file_okay=False, help="Folder of its key and memory.")],
        log: Annotated[
            list[str] | None, typer.Option(help="A log's vkey; may be repeated.")
        ] = None,
        installation: Annotated[
            list[str] | None,
            typer.Option(help="All logs of one installation: its vkey (doctor)."),
        ] = None,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option(min=0, max=65535, help="0 = any free one.")] = 7380,
    ) -> None:
        """Run a small witness (C2SP tlog-witness), elsewhere than the logs that it watches.

        It cosigns a checkpoint that is proved to go on from the last it cosigned; of others it
        keeps what the log signed. Its vkey goes into the policies of operators and auditors. For
        example: asin-sync audit witness --name witness.example.com/1 --state witness --log VKEY
        """
        run_witness(state, name, log or [], installation or [], (host, port))

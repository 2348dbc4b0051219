"""`asin-sync audit fsck`: everything stored against everything that was signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from domain.transparency.signed_note import Checkpoint, NoteRefused, read_checkpoint, read_note
from infra.installation import Installation
from infra.transparency.fsck import FsckResult, Held, fsck, seller_of


def check(installation: Installation, kept: Sequence[Path]) -> FsckResult:
    """Compare with the signer's memory and with checkpoints that somebody kept.

    A file that is no checkpoint of ours, or that no key of ours signed, is a difference itself.
    """
    seen = installation.signed_checkpoints()
    held = [Held("what the signer remembers", each) for each in seen.all()]
    seen.close()
    refused = []
    for file in kept:
        try:
            held.append(Held(str(file), read_kept(installation, file)))
        except (NoteRefused, UnicodeDecodeError) as error:
            refused.append(f"{file}: {error}")
    result = fsck(installation.database, installation.log_keys, held)
    for detail in refused:
        result.note("checkpoint_unsigned", None, None, detail)
    return result


def read_kept(installation: Installation, file: Path) -> Checkpoint:
    """The checkpoint in a file. Raises NoteRefused, UnicodeDecodeError."""
    note = read_note(file.read_text("utf-8"))
    checkpoint = read_checkpoint(note.text)
    seller_id = seller_of(checkpoint)
    if checkpoint.origin != installation.log_keys.origin(seller_id):
        raise NoteRefused(f"{checkpoint.origin} is no log of ours")
    if not note.signed_by(installation.log_keys.verifiers(seller_id)):
        raise NoteRefused("no key of this log signed it")
    return checkpoint


def lines_of(result: FsckResult) -> Iterator[str]:
    """What was looked at, and each difference with its position."""
    yield (
        f"{result.events} events, {result.logs} logs, {result.checkpoints} checkpoints compared;"
        f" {result.unsigned} events not signed yet"
    )
    for each in result.differences:
        place = f"position {each.position}" if each.position else "no position"
        yield f"{each.kind:<20} {place:<20} seller {each.seller_id}  {each.detail}"
    if result.different > len(result.differences):
        yield f"and {result.different - len(result.differences)} more"
    yield "NOTHING DIFFERS" if not result.different else f"{result.different} DIFFER"

"""Our witness as its operator has it: its folder, whom it trusts, and what it keeps of a fork."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.transparency.signed_note import COSIGNATURE, NOTE, Signer
from domain.transparency.witness import AnotherSize, Forked, NotGrown, Trust, UnknownLog
from infra.transparency import witness_server
from infra.transparency.witness_server import CheckpointWitness, NotThisWitness
from main import cli
from tests.infra.witness_scene import (
    CLIENT,
    LOG_NAME,
    LOG_SEED,
    MemoryLog,
    in_thread,
    now,
    our_process,
)

NAME = "our.example/1"
INSTALLATION = Signer(LOG_NAME, LOG_SEED, NOTE).verifier
TRUST = Trust([], [INSTALLATION])


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(f"{LOG_NAME}/1")


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[CheckpointWitness]:
    made = CheckpointWitness(tmp_path, NAME, TRUST, now)
    yield made
    made.close()


def refused_files(folder: Path) -> list[str]:
    return [file.read_text() for file in (folder / "refused").iterdir()]


def test_a_fork_gets_no_cosignature_and_both_histories_are_kept_once(
    witness: CheckpointWitness, log: MemoryLog, tmp_path: Path
) -> None:
    witness.add_checkpoint(log.request(0, 5).encode())
    fork = MemoryLog(f"{LOG_NAME}/1", "another")
    for _ in range(2):
        with pytest.raises(Forked):
            witness.add_checkpoint(fork.request(5, 5).encode())
        with pytest.raises(NotGrown):
            witness.add_checkpoint(fork.request(5, 9).encode())
    kept = refused_files(tmp_path)
    assert len(kept) == 2
    assert all(str(log.note(5)) in each for each in kept)
    assert all(str(fork.note(size)) in "".join(kept) for size in (5, 9))


def test_of_refused_requests_the_newest_are_kept_up_to_a_bound(
    witness: CheckpointWitness, log: MemoryLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_server, "REFUSED_FILES_MAX", 3)
    witness.add_checkpoint(log.request(0, 5).encode())
    fork = MemoryLog(f"{LOG_NAME}/1", "another")
    for size in range(6, 12):
        with pytest.raises(NotGrown):
            witness.add_checkpoint(fork.request(5, size).encode())
    kept = "".join(refused_files(tmp_path))
    assert [str(fork.note(size)) in kept for size in range(6, 12)] == [False] * 3 + [True] * 3


def test_an_installations_key_is_trusted_for_its_own_logs_and_no_others(
    witness: CheckpointWitness,
) -> None:
    for origin in (LOG_NAME, f"{LOG_NAME}.evil/1", f"evil/{LOG_NAME}/1"):
        with pytest.raises(UnknownLog):
            witness.add_checkpoint(MemoryLog(origin).request(0, 1).encode())


def test_a_single_log_is_trusted_by_its_own_key(tmp_path: Path, log: MemoryLog) -> None:
    witness = CheckpointWitness(tmp_path, NAME, Trust([log.signer.verifier], []), now)
    witness.add_checkpoint(log.request(0, 5).encode())
    with pytest.raises(UnknownLog):
        witness.add_checkpoint(MemoryLog(f"{LOG_NAME}/2").request(0, 5).encode())
    witness.close()


def test_a_tree_of_no_leaves_has_one_root(witness: CheckpointWitness, log: MemoryLog) -> None:
    empty = log.note(0)
    root = empty.text.split("\n")[2]
    witness.add_checkpoint(log.request(0, 0).encode())
    other = empty.text.replace(root, log.note(1).text.split("\n")[2])
    with pytest.raises(Forked):
        witness.add_checkpoint(f"old 0\n\n{other}\n{log.signer.sign(other).line}".encode())


def test_a_witness_started_again_goes_on_from_what_it_cosigned(
    tmp_path: Path, log: MemoryLog, witness: CheckpointWitness
) -> None:
    witness.add_checkpoint(log.request(0, 5).encode())
    again = CheckpointWitness(tmp_path, NAME, TRUST, now)
    assert again.vkey == witness.vkey
    with pytest.raises(AnotherSize):
        again.add_checkpoint(log.request(0, 9).encode())
    again.add_checkpoint(log.request(5, 9).encode())
    with pytest.raises(AnotherSize):
        witness.add_checkpoint(log.request(5, 10).encode())
    again.close()


@pytest.mark.parametrize("lost", ["key", "cosigned.sqlite"])
def test_a_witness_that_lost_its_key_or_its_memory_does_not_start(
    tmp_path: Path, witness: CheckpointWitness, lost: str
) -> None:
    (tmp_path / lost).unlink()
    with pytest.raises(NotThisWitness, match="is lost"):
        CheckpointWitness(tmp_path, NAME, TRUST, now)


def test_a_request_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    with in_thread(tmp_path, NAME, TRUST) as running:
        assert running.ask(b"old 0\n" * 20_000).status_code == 413
        assert CLIENT.get(f"{running.url}/add-checkpoint").status_code == 405


def test_the_command_runs_a_witness_whose_key_only_its_owner_reads(
    tmp_path: Path, log: MemoryLog
) -> None:
    with our_process(tmp_path / "state", "--installation", INSTALLATION.vkey) as running:
        answer = running.ask(log.request(0, 5))
        assert (answer.status_code, running.verifier.kind) == (200, COSIGNATURE)
        assert running.has_cosigned(answer, log.note(5).text)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    for file in ("key", "cosigned.sqlite"):
        assert (tmp_path / "state" / file).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--name", NAME), "give --log or --installation"),
        (("--name", NAME, "--log", "no key"), "--log: "),
        (("--name", NAME, "--log", f"{INSTALLATION.vkey[:-4]}AAAA"), "the key's id"),
        (
            ("--name", NAME, "--installation", Signer("w", bytes(32), COSIGNATURE).verifier.vkey),
            "not a log's",
        ),
        (("--name", "a+b", "--log", INSTALLATION.vkey), "no name of a key"),
        (("--name", "a b", "--log", INSTALLATION.vkey), "no name of a key"),
        (("--name", "another", "--log", INSTALLATION.vkey), f"the witness {NAME}"),
    ],
)
def test_what_it_can_not_start_with_is_said_and_nothing_is_changed(
    tmp_path: Path, witness: CheckpointWitness, options: tuple[str, ...], told: str
) -> None:
    before = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    answer = CliRunner().invoke(cli, ["audit", "witness", "--state", str(tmp_path), *options])
    assert answer.exit_code == 1
    assert told in " ".join(answer.output.split())
    assert {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before

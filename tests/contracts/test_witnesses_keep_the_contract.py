"""Witnesses, ours and one of other hands, held to c2sp.org/tlog-witness over real HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from domain.transparency.signed_note import NOTE, Signer
from domain.transparency.witness import Trust
from tests.infra.witness_scene import (
    FOREIGN,
    LOG_NAME,
    LOG_SEED,
    MemoryLog,
    RunningWitness,
    foreign_process,
    in_thread,
)

ORIGINS = [f"{LOG_NAME}/{number}" for number in range(20)]
NOT_HERE = pytest.mark.skipif(FOREIGN is None, reason="aics-witness is not on this machine")


@pytest.fixture(scope="module", params=["ours", pytest.param("foreign", marks=NOT_HERE)])
def witness(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningWitness]:
    folder = tmp_path_factory.mktemp("witness")
    trust = Trust([], [Signer(LOG_NAME, LOG_SEED, NOTE).verifier])
    running = (
        in_thread(folder, "our.example/1", trust)
        if request.param == "ours"
        else foreign_process(folder, ORIGINS)
    )
    with running as made:
        yield made


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count()


@pytest.fixture
def origin(numbers: Iterator[int]) -> str:
    """Each test has a log of its own."""
    return ORIGINS[next(numbers) % len(ORIGINS)]


@pytest.fixture
def log(origin: str) -> MemoryLog:
    return MemoryLog(origin)


def test_a_log_that_grows_gets_a_cosignature_of_each_checkpoint(
    witness: RunningWitness, log: MemoryLog
) -> None:
    for old_size, size in ((0, 5), (5, 9), (9, 9), (9, 200)):
        answer = witness.ask(log.request(old_size, size))
        assert answer.status_code == 200, answer.text
        assert witness.has_cosigned(answer, log.note(size).text)
        assert answer.text.startswith("— ")
        assert answer.text.endswith("\n")


def test_a_log_that_is_not_watched_is_not_found(witness: RunningWitness) -> None:
    assert witness.ask(MemoryLog("elsewhere.example/1").request(0, 5)).status_code == 404


def test_a_checkpoint_that_the_logs_key_has_not_signed_is_forbidden(
    witness: RunningWitness, origin: str
) -> None:
    stranger = MemoryLog(origin, seed=bytes(32))
    assert witness.ask(stranger.request(0, 5)).status_code == 403


def test_signatures_of_unknown_keys_are_ignored(witness: RunningWitness, log: MemoryLog) -> None:
    other = Signer("somebody.example", bytes(32), NOTE).sign(log.note(5).text)
    answer = witness.ask(log.request(0, 5) + other.line)
    assert answer.status_code == 200, answer.text
    assert witness.has_cosigned(answer, log.note(5).text)


def test_an_old_size_above_the_checkpoints_is_a_bad_request(
    witness: RunningWitness, log: MemoryLog
) -> None:
    body = log.request(0, 5).replace("old 0\n", "old 6\n")
    assert witness.ask(body).status_code == 400


def test_an_old_size_that_is_not_the_last_cosigned_conflicts_and_tells_the_last(
    witness: RunningWitness, log: MemoryLog
) -> None:
    assert witness.ask(log.request(3, 5)).status_code == 409
    assert witness.ask(log.request(0, 5)).status_code == 200
    for old_size, size in ((0, 9), (0, 5), (3, 9), (6, 9)):
        answer = witness.ask(log.request(old_size, size))
        assert (answer.status_code, answer.text) == (409, "5\n")
        assert answer.headers["content-type"].partition(";")[0] == "text/x.tlog.size"


def test_a_rewritten_history_is_refused_and_the_honest_log_goes_on(
    witness: RunningWitness, log: MemoryLog, origin: str
) -> None:
    fork = MemoryLog(origin, "another")
    assert witness.ask(log.request(0, 5)).status_code == 200
    for refused in (fork.request(5, 9), fork.request(5, 200)):
        answer = witness.ask(refused)
        assert answer.status_code == 422
        assert "— " not in answer.text
    same_size = witness.ask(fork.request(5, 5))
    assert same_size.status_code in (409, 422)
    assert "— " not in same_size.text
    assert witness.ask(log.request(5, 9)).status_code == 200


def test_a_proof_that_is_damaged_cut_or_not_wanted_is_unprocessable(
    witness: RunningWitness, log: MemoryLog
) -> None:
    hash_ = base64.b64encode(bytes(32)).decode()
    unwanted = log.request(0, 5).replace("old 0\n", f"old 0\n{hash_}\n")
    assert witness.ask(unwanted).status_code == 422
    assert witness.ask(log.request(0, 5)).status_code == 200
    head, *proof = log.request(5, 9).partition("\n\n")[0].split("\n")
    note = str(log.note(9))
    for wrong in ([], proof[:-1], [*proof, hash_], [hash_, *proof[1:]], proof[::-1]):
        lines = "".join(f"{each}\n" for each in (head, *wrong))
        assert witness.ask(f"{lines}\n{note}").status_code == 422
    assert witness.ask(log.request(5, 9)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        ("old 0", "old 00"), ("old 0", "new 0"), ("old 0", "old -1"), ("old 0", "old  0"),
        ("old 0\n", "old 0\r\n"), ("old 0\n", "old 0\nAAAA\n"), ("old 0\n", "old 0\n!\n"),
        ("\n5\n", "\n05\n"), ("\n5\n", "\nfive\n"), ("— ", "- "), ("old 0\n\n", "old 0\n"),
        ("old 0\n", "old 0\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 64),
    ],
)  # fmt: skip
def test_what_is_no_request_is_a_bad_one(
    witness: RunningWitness, log: MemoryLog, change: tuple[str, str]
) -> None:
    body = log.request(0, 5)
    assert change[0] in body
    assert witness.ask(body.replace(*change, 1)).status_code == 400


def test_bytes_that_are_no_text_are_a_bad_request(witness: RunningWitness) -> None:
    for body in (b"", b"\xff\xfe", b"old 0", b"old 0\n\n", bytes(1000)):
        assert witness.ask(body).status_code == 400


def test_of_requests_at_once_that_go_on_from_the_same_size_one_wins(
    witness: RunningWitness, log: MemoryLog
) -> None:
    assert witness.ask(log.request(0, 5)).status_code == 200
    bodies = [log.request(5, size) for size in range(6, 18)]
    with ThreadPoolExecutor(len(bodies)) as threads:
        answers = list(threads.map(witness.ask, bodies))
    won = [n for n, answer in enumerate(answers, 6) if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {200, 409}
    behind = witness.ask(log.request(0, 200))
    assert (behind.status_code, behind.text) == (409, f"{won[0]}\n")

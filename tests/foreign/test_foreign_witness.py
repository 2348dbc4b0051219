"""The foreign witness: it cosigns a log that only grows, and keeps what shows that one did not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.foreign import tools
from tests.foreign.bundles import Log, canonical, lines_of, proof
from tests.foreign.tools import NotHere
from tests.foreign.witness import ForeignWitness, running_witness

LOG = Log("one", 1, 20)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignWitness]:
    folder = tmp_path_factory.mktemp("witness")
    try:
        with running_witness(folder, {LOG.origin: LOG.key.vkey}) as running:
            yield running
    except NotHere as reason:
        pytest.skip(f"aics-witness NOT RUN ({reason})")


def add(witness: ForeignWitness, log: Log, old_size: int, size: int) -> httpx.Response:
    hashes = proof(old_size, log.hashes[:size]) if old_size else []
    body = f"old {old_size}\n{lines_of(hashes)}\n{log.checkpoint(size)}"
    return httpx.post(f"{witness.url}/add-checkpoint", content=body.encode())


def test_it_follows_a_log_that_grows_and_no_other(witness: ForeignWitness, tmp_path: Path) -> None:
    forked = Log("one", 1, 20)
    forked.leaves[3] = canonical({"v": 1})
    stranger = Log("two", 2, 20)
    assert add(witness, LOG, 0, 7).status_code == 200
    cosigned = add(witness, LOG, 7, 13)
    assert cosigned.status_code == 200
    again = add(witness, LOG, 7, 13)
    assert (again.status_code, again.text) == (409, "13\n")
    assert add(witness, forked, 13, 20).status_code == 422
    assert add(witness, stranger, 0, 20).status_code == 404
    [kept] = witness.evidence()
    assert kept["origin"] == LOG.origin

    note = tmp_path / "checkpoint"
    note.write_text(LOG.checkpoint(13) + cosigned.text, "utf-8")
    policy = ["--log-key", LOG.key.vkey, "--witness-key", witness.vkey, "--quorum", "1"]
    aics_tlog = [witness.aics_witness[0], "-I", "-m", "aics_tlog"]
    said = tools.must([*aics_tlog, "verify-checkpoint", "--note", str(note), *policy], tmp_path)
    assert json.loads(said)["cosignatures"] == 1

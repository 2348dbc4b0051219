"""Checkpoints of a real log brought to running witnesses, honest and lying ones."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from uuid import UUID, uuid4

import pytest

from api.verifier.check import verify_files
from domain.transparency.bundle import proof_files
from domain.transparency.signed_note import COSIGNATURE, Signer, read_checkpoint
from domain.transparency.trust_policy import Witness
from domain.transparency.witness import Trust
from infra.diagnosis import logs
from infra.installation import Installation
from infra.settings import Settings
from infra.transparency.signer import THIN
from infra.transparency.witnessing import CheckpointWitnessing, witnessings
from tests.infra.scripted_server import Reply, ScriptedServer, dripped, reply
from tests.infra.transparency_scene import TransparencyScene, as_superuser
from tests.infra.witness_scene import CLIENT, RunningWitness, in_thread, policy_of, policy_text

SIZE_TYPE = "text/x.tlog.size"
LIAR = Signer("liar.example/1", bytes([3] * 32), COSIGNATURE)


@pytest.fixture(scope="module")
def witnesses(
    module_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[RunningWitness]]:
    """Three that run, and watch the installation's logs."""
    keys = module_installation.log_keys
    trust = Trust([], [Signer(keys.name, seed).verifier for seed in keys.seeds.values()])
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                in_thread(tmp_path_factory.mktemp("witness"), f"w{n}.example/1", trust)
            )
            for n in range(3)
        ]


@pytest.fixture
def scene(module_installation: Installation) -> Iterator[TransparencyScene]:
    """With nothing of the logs that other tests have made: witnesses are asked about all."""
    with as_superuser(module_installation) as connection:
        connection.execute(
            "TRUNCATE asin_sync_events, tlog_leaves, tlog_subtrees, tlog_checkpoints CASCADE"
        )
    made = TransparencyScene(module_installation)
    yield made
    made.close()


@pytest.fixture
def seller_id() -> UUID:
    return uuid4()


def witness_of(running: RunningWitness) -> Witness:
    return Witness("it", running.verifier, running.url)


def ask(installation: Installation, *witnesses: Witness, seconds_max: float = 5.0) -> list[int]:
    """A round of each, by the worker's own code; how many cosignatures each gave."""
    kept = []
    for each in witnesses:
        witnessing = CheckpointWitnessing(installation.database, each, CLIENT, seconds_max)
        assert witnessing.lead()
        kept.append(witnessing.ask_round(Event()))
        witnessing.close()
    return kept


def cosignatures(installation: Installation, seller_id: UUID) -> list[tuple[int, str]]:
    with as_superuser(installation) as connection:
        return connection.execute(
            "SELECT size, witness FROM tlog_cosignatures WHERE seller_id = %s ORDER BY 1, 2",
            (seller_id,),
        ).fetchall()


def size_of(scene: TransparencyScene, seller_id: UUID) -> int:
    return read_checkpoint(scene.checkpoint(seller_id).text).size


def test_evidence_cosigned_by_two_of_three_running_witnesses_verifies_with_the_policy(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    witnesses: list[RunningWitness],
) -> None:  # fmt: skip
    scene.policy = policy_of(witnesses, 2)
    stream = scene.binding(seller_id, 5)
    scene.sign()
    policy = policy_text(witnesses, 2)
    for number, running in enumerate(witnesses):
        verdict = verify_files(dict(proof_files(scene.bundle(seller_id, stream))), policy=policy)
        assert (verdict.fault is None) == (number >= 2), verdict.fault
        assert ask(module_installation, witness_of(running)) == [1]
    key = module_installation.log_keys.verifiers(seller_id)[0].vkey
    files = dict(proof_files(scene.bundle(seller_id, stream)))
    assert files["checkpoint"].count("— ".encode()) == 4
    assert verify_files(files, key=key, policy=policy).fault is None


def test_a_witness_is_asked_from_what_it_cosigned_last_and_only_when_the_log_grew(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    witnesses: list[RunningWitness],
) -> None:  # fmt: skip
    witness = witness_of(witnesses[0])
    sizes = []
    for event_count in (3, 300, 2):
        scene.binding(seller_id, event_count)
        scene.sign()
        sizes.append(size_of(scene, seller_id))
        assert ask(module_installation, witness, witness) == [1, 0]
    assert cosignatures(module_installation, seller_id)[-1][0] == sizes[-1]


def test_a_witness_that_cosigned_more_than_is_known_here_is_asked_once_more_by_its_own_size(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    witnesses: list[RunningWitness],
) -> None:  # fmt: skip
    scene.binding(seller_id, 3)
    scene.sign()
    assert ask(module_installation, witness_of(witnesses[0])) == [1]
    with as_superuser(module_installation) as connection:
        connection.execute("TRUNCATE tlog_cosignatures")
    assert ask(module_installation, witness_of(witnesses[0])) == [1]
    scene.binding(seller_id, 4)
    scene.sign()
    with as_superuser(module_installation) as connection:
        connection.execute("TRUNCATE tlog_cosignatures")
    assert ask(module_installation, witness_of(witnesses[0])) == [1]
    found = [(size_of(scene, seller_id), witnesses[0].verifier.vkey)]
    assert cosignatures(module_installation, seller_id) == found


def test_a_rewritten_history_gets_no_cosignature_and_the_operator_is_told(
    installation: Installation, seller_id: UUID, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = TransparencyScene(installation)
    keys = installation.log_keys
    trust = Trust([], [Signer(keys.name, seed).verifier for seed in keys.seeds.values()])
    with in_thread(tmp_path / "witness", "w.example/1", trust) as running:
        scene.binding(seller_id, 5)
        scene.sign()
        assert ask(installation, witness_of(running)) == [1]
        for further, told in ((4, "does not go on from"), (0, "another tree of this size")):
            rewrite(installation, scene, seller_id, further)
            assert ask(installation, witness_of(running)) == [0]
            assert told in caplog.text
            assert "asin-sync audit fsck" in caplog.text
            assert cosignatures(installation, seller_id) == []
        assert len(list((tmp_path / "witness" / "refused").iterdir())) == 2
    scene.close()


def rewrite(
    installation: Installation, scene: TransparencyScene, seller_id: UUID, further: int
) -> None:
    """What a superuser can do who has the signer's keys and its memory too."""
    with as_superuser(installation) as connection:
        connection.execute(
            "UPDATE asin_sync_events SET recorded_at = recorded_at - interval '1 day'"
            " WHERE seller_id = %s", (seller_id,),
        )  # fmt: skip
        connection.execute(
            "DELETE FROM asin_sync_events WHERE notification_id >"
            " (SELECT min(notification_id) + 4 FROM asin_sync_events)"
        )
        connection.execute("TRUNCATE tlog_leaves, tlog_subtrees, tlog_checkpoints CASCADE")
    if further:
        scene.binding(seller_id, further)
    scene.forget(f"{uuid4()}.sqlite")
    scene.sign()


def honest(text: str, at_second: int | None = None) -> bytes:
    return LIAR.cosign(text, int(time.time()) if at_second is None else at_second).line.encode()


def lies(text: str) -> dict[str, tuple[Iterable[Reply], str]]:
    """What a witness may answer, and what the operator is told of it."""
    stranger = Signer(LIAR.verifier.name, bytes([4] * 32), COSIGNATURE)
    forged = honest(text)[:-8] + b"AAAAAA=\n"
    size = {"content_type": SIZE_TYPE}
    return {
        "another's key": ([reply(body=stranger.cosign(text, 1).line.encode())], "compare the two"),
        "another text": ([reply(body=honest(f"{text}x\n"))], "compare the two keys"),
        "a forged line": ([reply(body=forged)], "cosign"),
        "the future": ([reply(body=honest(text, int(time.time()) + 9_999))], "its clock"),
        "past all time": ([reply(body=honest(text, 2**63 + 1))], "compare the two keys"),
        "garbage": ([reply(body=bytes(range(256)))], "no cosignature"),
        "nothing": ([reply()], "no cosignature"),
        "a note": ([reply(body=f"{text}\n".encode() + honest(text))], "no cosignature"),
        "10 MB": ([reply(body=b"x" * 10_000_000)], "more than"),
        "packed": ([reply(body=b"x", Content_Encoding="gzip")], "encoding"),
        "a slow drip": ([dripped(reply(body=honest(text)), 0.1)], "Timeout"),
        "hung up": ([[b""]], "does it answer"),
        "no HTTP": ([[b"220 smtp\r\n\r\n"]], "does it answer"),
        "elsewhere": ([reply(307, Location="/")], "it answered 307"),
        "a fault": ([reply(500)], "it answered 500"),
        "unknown": ([reply(404)], "it answered 404"),
        "not signed": ([reply(403)], "it answered 403"),
        "bad": ([reply(400)], "it answered 400"),
        "more leaves": ([reply(409, b"999999999\n", **size)], "Was a backup put back"),
        "no size": ([reply(409, b"1e3\n", **size)], "another tree"),
        "endless size": ([reply(409, b"9" * 4_000 + b"\n", **size)], "another tree"),
        "409 for ever": (
            [reply(409, b"1\n", **size), reply(409, b"2\n", **size), reply(500)], "409 twice"
        ),
    }  # fmt: skip


LIES = tuple(lies("a\n1\nb\n"))


@pytest.fixture(scope="module")
def liar() -> Iterator[ScriptedServer]:
    with ScriptedServer(reply()) as server:
        yield server


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_witness_harms_nothing_and_is_named(
    module_installation: Installation, seller_id: UUID, scene: TransparencyScene,
    liar: ScriptedServer, lie: str, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    scene.binding(seller_id, 3)
    scene.sign()
    before = str(scene.checkpoint(seller_id))
    replies, told = lies(scene.checkpoint(seller_id).text)[lie]
    liar.script(*replies)
    witness = Witness("liar", LIAR.verifier, liar.url)
    began = time.monotonic()
    assert ask(module_installation, witness, seconds_max=0.5) == [0]
    assert time.monotonic() - began < 3
    assert "the witness liar has not cosigned 3 leaves" in caplog.text
    assert told in caplog.text
    assert "Traceback" not in caplog.text
    assert str(scene.checkpoint(seller_id)) == before
    scene.binding(seller_id, 1)
    assert scene.sign() == 1


def test_of_many_lines_the_one_by_the_witness_is_kept(
    module_installation: Installation, seller_id: UUID, scene: TransparencyScene,
    liar: ScriptedServer,
) -> None:  # fmt: skip
    scene.binding(seller_id, 3)
    scene.sign()
    text = scene.checkpoint(seller_id).text
    stranger = Signer("other.example", bytes(32), COSIGNATURE).cosign(text, 1).line.encode()
    liar.script(reply(body=stranger + honest(text)))
    assert ask(module_installation, Witness("it", LIAR.verifier, f"{liar.url}/deep")) == [1]
    assert liar.received[0].target == "/deep/add-checkpoint"
    assert liar.received[0].body.startswith(b"old 0\n\n")
    note = scene.checkpoint(seller_id)
    assert note.signed_by([LIAR.verifier]) == [LIAR.verifier]
    assert len(note.signatures) == 2


def test_a_witness_that_is_down_is_left_alone_after_three_logs_and_told_of_once(
    module_installation: Installation, scene: TransparencyScene, liar: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    for _ in range(5):
        scene.binding(uuid4(), 1)
    scene.sign()
    liar.script(reply(503))
    witness = Witness("down", LIAR.verifier, liar.url)
    witnessing = CheckpointWitnessing(module_installation.database, witness, CLIENT)
    assert witnessing.lead()
    for _ in range(2):
        assert witnessing.ask_round(Event()) == 0
    assert len(liar.received) == 6
    assert caplog.text.count("it answered 503") == 3
    witnessing.close()


def test_only_one_process_asks_a_witness(
    module_installation: Installation, witnesses: list[RunningWitness]
) -> None:
    policy = policy_of(witnesses, 2)
    first, second = (witnessings(module_installation.database, policy, CLIENT) for _ in range(2))
    assert [each.lead() for each in first] == [True] * 3
    assert [each.lead() for each in second] == [False] * 3
    first[0].close()
    assert second[0].lead()
    for each in (*first, *second):
        each.close()


def test_the_followers_ask_by_themselves_until_they_are_stopped(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    witnesses: list[RunningWitness],
) -> None:  # fmt: skip
    scene.binding(seller_id, 2)
    scene.sign()
    stop = Event()
    followers = witnessings(module_installation.database, policy_of(witnesses, 2), CLIENT)
    assert len(followers) == 3
    threads = [Thread(target=each.run, args=(stop,)) for each in followers]
    for thread in threads:
        thread.start()
    ends_at = time.monotonic() + 20
    while len(cosignatures(module_installation, seller_id)) < 3 and time.monotonic() < ends_at:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join(5)
    assert len(cosignatures(module_installation, seller_id)) == 3
    assert not any(thread.is_alive() for thread in threads)


def test_a_cosigned_checkpoint_stays_beside_newer_ones_that_lack_a_cosignature(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    witnesses: list[RunningWitness],
) -> None:  # fmt: skip
    sizes = []
    for number in (0, 1, None, None, 1):
        scene.binding(seller_id, 1)
        scene.sign()
        sizes.append(size_of(scene, seller_id))
        if number is not None:
            ask(module_installation, witness_of(witnesses[number]))
    with as_superuser(module_installation) as connection:
        connection.execute(
            "UPDATE tlog_checkpoints SET signed_at = date_trunc('hour', now()) + interval '1 s'"
        )
        connection.execute(THIN, ([seller_id],))
        rows = connection.execute(
            "SELECT size FROM tlog_checkpoints WHERE seller_id = %s ORDER BY 1", (seller_id,)
        ).fetchall()
    first, last = sizes[0], sizes[-1]
    assert [size for (size,) in rows] == [first, last]
    keys = [it.verifier.vkey for it in witnesses]
    assert cosignatures(module_installation, seller_id) == [(first, keys[0]), (last, keys[1])]


def test_a_checkpoint_let_go_while_the_witness_was_asked_is_kept_with_its_cosignature(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    liar: ScriptedServer,
) -> None:  # fmt: skip
    scene.binding(seller_id, 3)
    scene.sign()
    old = scene.checkpoint(seller_id)

    def while_asked() -> Reply:
        scene.binding(seller_id, 1)
        scene.sign()
        with as_superuser(module_installation) as connection:
            connection.execute("DELETE FROM tlog_checkpoints WHERE size = 3")
        yield from reply(body=honest(old.text))

    liar.script(while_asked())
    witness = Witness("liar", LIAR.verifier, liar.url)
    assert ask(module_installation, witness) == [1]
    assert cosignatures(module_installation, seller_id) == [(3, LIAR.verifier.vkey)]
    assert size_of(scene, seller_id) == 4


def test_what_is_served_reaches_the_quorum_where_that_covers_what_was_asked_for(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    witnesses: list[RunningWitness],
) -> None:  # fmt: skip
    scene.policy = policy_of(witnesses, 2)
    stream = scene.binding(seller_id, 3)
    scene.sign()
    assert size_of(scene, seller_id) == 3
    ask(module_installation, *map(witness_of, witnesses))
    other = scene.binding(seller_id, 4)
    scene.sign()
    ask(module_installation, witness_of(witnesses[0]))
    assert size_of(scene, seller_id) == 3
    assert scene.bundle(seller_id, stream).checkpoint.size == 3
    assert scene.bundle(seller_id, other).checkpoint.size == 7
    assert scene.bundle(seller_id, stream, old_size=7).checkpoint.size == 7
    scene.policy = None
    assert scene.bundle(seller_id, stream).checkpoint.size == 7


def test_the_doctor_tells_of_each_witness_and_when_it_cosigned_last(
    module_installation: Installation, scene: TransparencyScene, seller_id: UUID,
    witnesses: list[RunningWitness], tmp_path: Path,
) -> None:  # fmt: skip
    scene.binding(seller_id, 3)
    scene.sign()
    ask(module_installation, witness_of(witnesses[0]))
    with as_superuser(module_installation) as connection:
        connection.execute(
            "UPDATE tlog_checkpoints SET signed_at = signed_at - interval '11 minutes'"
        )
    silent = Signer("silent.example", bytes(32), COSIGNATURE).verifier.vkey
    file = tmp_path / "witnesses"
    file.write_text(policy_text(witnesses[:2], 2) + f"witness silent {silent}\n")
    settings = dataclasses.replace(module_installation.settings, witnesses=str(file))
    lines = list(logs(dataclasses.replace(module_installation, settings=settings)))
    name = module_installation.log_keys.name
    assert lines[0][:2] == ("logs", "ok")
    assert lines[0][2].startswith(f"{name}+")
    states = [(each[0], each[1]) for each in lines[1:]]
    assert states == [("witness w0", "ok"), ("witness w1", "fault"), ("witness silent", "setting")]
    assert "last cosigned at 20" in lines[1][2]
    assert "never cosigned, 1 logs wait" in lines[2][2]
    assert "it is never asked" in lines[3][2]


def test_a_policy_that_is_missing_or_unclear_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    missing = Settings(witnesses=str(tmp_path / "none"))
    assert "ASIN_SYNC_WITNESSES can't be read" in missing.faults()[0]
    unclear = tmp_path / "policy"
    unclear.write_text("quorum none\nvote 3\n")
    (fault,) = Settings(witnesses=str(unclear)).faults()
    assert "line 2: 'vote 3' is not understood" in fault
    assert Settings(witnesses=str(tmp_path)).faults()
    assert Settings().faults() == []

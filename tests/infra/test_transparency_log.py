"""The transparency log on a real Postgres: every event a leaf, every leaf proved, no rewriting."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.transparency.merkle import leaf_hash, verify_consistency, verify_inclusion
from domain.transparency.signed_note import read_checkpoint, read_consistency_file
from infra.installation import Installation
from infra.transparency.log_state import LogState, log_state
from tests.infra.transparency_scene import TransparencyScene, as_superuser


@pytest.fixture
def scene(installation: Installation) -> Iterator[TransparencyScene]:
    made = TransparencyScene(installation)
    yield made
    made.close()


@pytest.fixture
def seller_id() -> UUID:
    return uuid4()


def test_every_event_of_a_seller_is_proved_under_a_checkpoint_signed_by_its_log(
    installation: Installation, seller_id: UUID, scene: TransparencyScene
) -> None:
    stream = scene.binding(seller_id)
    scene.sign()
    bundle = scene.bundle(seller_id, stream)
    verifiers = installation.log_keys.verifiers(seller_id)
    assert bundle.note.signed_by(verifiers) == verifiers
    assert bundle.head.signed_by(verifiers) == verifiers
    assert [each.event.version for each in bundle.events] == list(range(1, len(bundle.events) + 1))
    for each in bundle.events:
        verify_inclusion(
            leaf_hash(each.leaf), each.number, bundle.checkpoint.size, each.proof,
            bundle.checkpoint.root,
        )  # fmt: skip


def test_a_log_holds_the_events_of_one_seller_only_in_their_order(
    installation: Installation, seller_id: UUID,
    scene: TransparencyScene,
) -> None:  # fmt: skip
    other_id = uuid4()
    for owner in (seller_id, other_id, seller_id):
        scene.binding(owner)
    assert scene.sign(batch_size=3) == 2
    with as_superuser(installation) as connection:
        rows = connection.execute(
            "SELECT e.seller_id = l.seller_id,"
            " row_number() OVER (PARTITION BY l.seller_id ORDER BY l.position) - 1 = l.number"
            " FROM asin_sync_events e LEFT JOIN tlog_leaves l ON l.position = e.notification_id"
        ).fetchall()
    assert rows
    assert set(rows) == {(True, True)}
    assert scene.checkpoint(other_id).text != scene.checkpoint(seller_id).text


def test_a_newer_checkpoint_is_shown_to_begin_with_an_older_one(
    installation: Installation, seller_id: UUID, scene: TransparencyScene
) -> None:
    scene.binding(seller_id)
    scene.sign()
    old = read_checkpoint(scene.checkpoint(seller_id).text)
    stream = scene.binding(seller_id)
    scene.sign()
    bundle = scene.bundle(seller_id, stream, old.size)
    old_size, proof, note = read_consistency_file(bundle.consistency)
    new = read_checkpoint(note.partition("\n\n")[0] + "\n")
    assert (old_size, new.size) == (old.size, old.size + 5)
    verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_a_round_in_which_no_log_grew_signs_nothing(
    seller_id: UUID, scene: TransparencyScene
) -> None:
    scene.binding(seller_id)
    assert scene.sign() == 1
    assert scene.sign() == 0
    scene.restart_signer()
    assert scene.sign() == 0


def test_of_an_hour_only_the_newest_checkpoint_is_kept(
    installation: Installation, seller_id: UUID, scene: TransparencyScene
) -> None:
    for _ in range(3):
        scene.binding(seller_id)
        scene.sign()
    with as_superuser(installation) as connection:
        found = connection.execute(
            "SELECT count(*), count(DISTINCT date_trunc('hour', signed_at)) FROM tlog_checkpoints"
            " WHERE seller_id = %s", (seller_id,),
        ).fetchone()  # fmt: skip
    assert found is not None
    assert found[0] == found[1]


@pytest.mark.parametrize("forgets", [False, True], ids=["by_its_memory", "by_the_database"])
def test_a_log_that_was_rewritten_gets_no_further_checkpoint(
    installation: Installation, seller_id: UUID, scene: TransparencyScene,
    caplog: pytest.LogCaptureFixture, forgets: bool,
) -> None:  # fmt: skip
    scene.binding(seller_id)
    scene.sign()
    before = str(scene.checkpoint(seller_id))
    with as_superuser(installation) as connection:
        connection.execute(
            "UPDATE tlog_leaves SET hash = sha256(hash) WHERE seller_id = %s AND number = 0",
            (seller_id,),
        )
        if not forgets:
            connection.execute("DELETE FROM tlog_checkpoints")
    if forgets:
        scene.forget("another.sqlite")
    scene.binding(seller_id)
    with caplog.at_level(logging.ERROR):
        scene.sign()
    assert "does not begin with" in scene.signer.refused[seller_id]
    assert "no checkpoint for the log" in caplog.text
    if forgets:
        assert str(scene.checkpoint(seller_id)) == before


def test_a_log_that_lost_its_end_gets_no_checkpoint(
    installation: Installation, seller_id: UUID, scene: TransparencyScene
) -> None:
    scene.binding(seller_id)
    scene.sign()
    with as_superuser(installation) as connection:
        connection.execute(
            "DELETE FROM tlog_leaves WHERE seller_id = %s AND number >= 2", (seller_id,)
        )
        connection.execute(
            "DELETE FROM asin_sync_events WHERE notification_id >"
            " (SELECT max(position) FROM tlog_leaves)"
        )
        connection.execute("DELETE FROM tlog_checkpoints")
    scene.restart_signer()
    scene.sign()
    assert "and a checkpoint has" in scene.signer.refused[seller_id]


def test_a_log_that_gets_no_checkpoint_is_told_and_how_to_look_into_it(
    installation: Installation, seller_id: UUID, scene: TransparencyScene
) -> None:
    scene.binding(seller_id)
    scene.sign()
    assert log_state(installation.database) == LogState(0, 0)
    scene.binding(seller_id, 3)
    assert log_state(installation.database) == LogState(3, 0)
    with as_superuser(installation) as connection:
        connection.execute("UPDATE asin_sync_events SET recorded_at = now() - interval '1 hour'")
    scene.integrator.integrate()
    state = log_state(installation.database)
    assert state == LogState(0, 1)
    assert "asin-sync audit fsck" in str(state.fault)


WRITES = (
    "UPDATE tlog_leaves SET position = position",
    "DELETE FROM tlog_leaves",
    "TRUNCATE tlog_leaves",
    "UPDATE tlog_subtrees SET level = level",
    "DELETE FROM tlog_subtrees",
    "UPDATE tlog_checkpoints SET note = note",
    "UPDATE tlog_cosignatures SET line = line",
    "INSERT INTO tlog_leaves SELECT seller_id, number + 1000, position + 1000, hash"
    " FROM tlog_leaves",
    "INSERT INTO tlog_checkpoints (seller_id, size, note) VALUES (gen_random_uuid(), 1, '')",
    "INSERT INTO tlog_checkpoints (seller_id, size, note, signed_at)"
    " VALUES (gen_random_uuid(), 1, '', '2020-01-01')",
    "DELETE FROM tlog_checkpoints",
)
REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)
ALLOWED = {("integrator", WRITES[7]), ("signer", WRITES[8]), ("signer", WRITES[10])}


ROLES = (
    "writer", "projector", "reader", "auditor_sql", "jobs", "keystore", "migrator", "integrator",
    "signer",
)  # fmt: skip


def test_no_role_rewrites_the_log_and_only_its_own_adds_to_it(
    installation: Installation, seller_id: UUID, scene: TransparencyScene
) -> None:
    scene.binding(seller_id)
    scene.sign()
    for role in ROLES:
        with installation.database.connect(role) as connection:
            connection.execute(f"SET search_path = {installation.database.cell}")
            connection.execute("SELECT set_config('app.seller', %s, false)", (str(seller_id),))
            for statement in WRITES:
                if (role, statement) in ALLOWED:
                    connection.execute(statement)
                else:
                    with pytest.raises(REFUSED):
                        connection.execute(statement)

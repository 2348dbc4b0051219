"""The auditor's check of everything stored, against what a superuser may have done to it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from domain.transparency.signed_note import read_checkpoint
from infra.installation import Installation
from infra.transparency.fsck import FsckResult, Held, fsck
from tests.infra.transparency_scene import TransparencyScene, as_superuser


@pytest.fixture
def scene(installation: Installation) -> Iterator[TransparencyScene]:
    made = TransparencyScene(installation)
    yield made
    made.close()


@pytest.fixture
def seller_id(scene: TransparencyScene) -> UUID:
    """A seller with 302 events, all signed."""
    made = uuid4()
    scene.bindings(made, 100, 3)
    scene.sign(batch_size=90)
    scene.binding(made, 2)
    scene.sign()
    return made


def run(installation: Installation, *held: Held) -> FsckResult:
    return fsck(installation.database, installation.log_keys, held)


def kinds(result: FsckResult) -> list[tuple[str, int | None]]:
    return [(each.kind, each.position) for each in result.differences]


def altered(installation: Installation, statement: str) -> None:
    with as_superuser(installation) as connection:
        connection.execute(statement)


def test_an_untouched_cell_has_no_difference(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    result = run(installation, *scene.held())
    assert (result.events, result.logs, result.different) == (302, 1, 0)
    assert result.checkpoints == 2


def test_events_that_came_after_the_last_leaf_are_counted_and_no_difference(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    scene.binding(seller_id, 4)
    result = run(installation)
    assert (result.unsigned, result.different) == (4, 0)


@pytest.mark.parametrize(
    "change",
    [
        "state = replace(convert_from(state, 'UTF8'), '12000', '12001')::bytea",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "topic = 'asin_binding.listed'",
        "originator_version = 2000",
        "seller_id = gen_random_uuid()",
    ],
)
def test_an_old_event_that_a_superuser_changed_is_named_by_its_position(
    installation: Installation, scene: TransparencyScene, seller_id: UUID, change: str
) -> None:
    altered(installation, f"UPDATE asin_sync_events SET {change} WHERE notification_id = 101")
    assert ("event_changed", 101) in kinds(run(installation))


def test_an_event_that_was_deleted_is_named(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    altered(installation, "DELETE FROM asin_sync_events WHERE notification_id = 55")
    assert kinds(run(installation)) == [("event_missing", 55)]


def test_an_event_whose_leaf_was_deleted_is_named(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    altered(installation, "DELETE FROM tlog_leaves WHERE position = 55")
    assert kinds(run(installation))[0] == ("leaf_missing", 55)


def test_a_changed_subtree_is_named(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    altered(installation, "UPDATE tlog_subtrees SET hash = sha256(hash)")
    assert kinds(run(installation)) == [("subtree_differs", 256)]


def test_an_event_rewritten_with_its_leaf_and_tree_shows_by_any_checkpoint_that_was_kept(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    kept = Held("yesterday", read_checkpoint(scene.checkpoint(seller_id).text))
    altered(
        installation,
        "UPDATE asin_sync_events SET recorded_at = recorded_at - interval '1 day'"
        " WHERE notification_id = 101",
    )
    altered(installation, "TRUNCATE tlog_leaves, tlog_subtrees, tlog_checkpoints CASCADE")
    scene.integrator.integrate(1_000)
    assert kinds(run(installation)) == []
    (difference,) = run(installation, kept).differences
    assert (difference.kind, difference.position) == ("checkpoint_differs", 1)
    assert difference.detail.startswith("yesterday, size 302")
    assert "checkpoint_differs" in dict(kinds(run(installation, *scene.held())))


def test_an_end_that_was_taken_away_shows_by_a_checkpoint_that_was_kept(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    for table, column in (("asin_sync_events", "notification_id"), ("tlog_leaves", "position")):
        altered(installation, f"DELETE FROM {table} WHERE {column} > 300")
    assert kinds(run(installation)) == [("checkpoint_ahead", None)]


def test_a_checkpoint_that_no_key_of_ours_signed_is_told(
    installation: Installation, scene: TransparencyScene, seller_id: UUID
) -> None:
    altered(installation, "UPDATE tlog_checkpoints SET note = replace(note, '302', '301')")
    assert kinds(run(installation)) == [("checkpoint_unsigned", None)]

"""The auditor's check of a whole cell: everything derived again from the stored events.

Every leaf, every subtree's root and every checkpoint's, with nothing taken from the log's tables
but what is to be compared. Checkpoints that others hold, and the signer's memory, are compared
with the tree as it was at their size: there a log that was rewritten as a whole shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from uuid import UUID

from domain.transparency.leaf import StoredEvent, leaf_of
from domain.transparency.merkle import TILE_HEIGHT, leaf_hash, node_hash
from domain.transparency.signed_note import Checkpoint, NoteRefused, read_checkpoint, read_note
from infra.database import Connection, Database
from infra.transparency.log_keys import LogKeys

Kind = Literal[
    "event_changed", "event_missing", "leaf_missing", "leaf_misplaced", "subtree_differs",
    "checkpoint_differs", "checkpoint_unsigned", "checkpoint_ahead",
]  # fmt: skip
PAGE_SIZE = 5_000
DIFFERENCES_MAX = 100

EVENTS = """
    SELECT notification_id, recorded_at, seller_id, originator_id, originator_version, topic, state
    FROM asin_sync_events ORDER BY notification_id
"""
LEAVES = "SELECT position, seller_id, number, hash FROM tlog_leaves ORDER BY position"
LAST = "SELECT coalesce(max(position), 0) FROM tlog_leaves"
CHECKPOINTS = "SELECT seller_id, note FROM tlog_checkpoints"
SUBTREES = "SELECT seller_id, level, number, hash FROM tlog_subtrees"


class Difference(NamedTuple):
    """Something that is not as it was signed; `position` is the first that it may concern."""

    kind: Kind
    seller_id: UUID | None
    position: int | None
    detail: str


class Held(NamedTuple):
    """A checkpoint to compare with, and where it comes from."""

    source: str
    checkpoint: Checkpoint


class Leaf(NamedTuple):
    """A row of the log, as stored."""

    position: int
    seller_id: UUID
    number: int
    hash: bytes


@dataclass
class Tree:
    """One seller's log, grown again leaf by leaf; only the roots on its right edge are kept."""

    size: int = 0
    edge: list[tuple[int, bytes]] = field(default_factory=list)
    agreed_position: int = 0

    def add(self, hash_: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Level, number and root of each subtree of 256 ** level leaves that this completes."""
        height = 0
        while self.edge and self.edge[-1][0] == height:
            hash_ = node_hash(self.edge.pop()[1], hash_)
            height += 1
            if height % TILE_HEIGHT == 0:
                yield height // TILE_HEIGHT, self.size >> height, hash_
        self.edge.append((height, hash_))
        self.size += 1

    def root(self) -> bytes:
        found = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            found = node_hash(left, found)
        return found


@dataclass
class FsckResult:
    """What was looked at, and what differs; more than a hundred differences are only counted."""

    events: int = 0
    logs: int = 0
    checkpoints: int = 0
    unsigned: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)

    def note(self, kind: Kind, seller_id: UUID | None, position: int | None, detail: str) -> None:
        self.different += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(Difference(kind, seller_id, position, detail))

    def as_json(self) -> dict[str, Any]:
        differences = [
            {**each._asdict(), "seller_id": str(each.seller_id or "")} for each in self.differences
        ]
        return {**vars(self), "differences": differences}


class Fsck:
    """One run over a cell."""

    def __init__(self, connection: Connection, held: Mapping[UUID, Sequence[Held]]) -> None:
        self.result = FsckResult()
        self._connection = connection
        self._held = {
            seller_id: sorted(each, key=lambda it: it.checkpoint.size)
            for seller_id, each in held.items()
        }
        self._trees: dict[UUID, Tree] = defaultdict(Tree)
        self._last_leaf: dict[UUID, bytes] = {}
        self._lost: list[bytes] = []
        self._stored = subtrees(connection)
        self._integrated_position = int(connection.execute(LAST).fetchone()[0])  # type: ignore[index]

    def run(self) -> FsckResult:
        """Everything in the order of positions, then what is left over."""
        for event, leaf in side_by_side(self._connection):
            if event is not None:
                self.result.events += 1
                self.compare(event, leaf)
            elif leaf is not None:
                self.result.note(
                    "event_missing", leaf.seller_id, leaf.position,
                    f"the log has leaf {leaf.number} of an event that is no more",
                )  # fmt: skip
                self._lost.append(leaf.hash)
                self.grow(leaf.seller_id, leaf.position, leaf.hash)
        self.compare_the_rest()
        self.result.logs = len(self._trees)
        return self.result

    def compare(self, event: StoredEvent, leaf: Leaf | None) -> None:
        """One event with its leaf; the chain and the tree go on with what was logged."""
        if leaf is None and event.position > self._integrated_position:
            self.result.unsigned += 1
            return
        if leaf is None:
            self.note_event("leaf_missing", event, "in no log")
            return
        if not self.is_logged(event, leaf.hash):
            self.note_event("event_changed", event, "is not what was logged")
        self._last_leaf[event.stream] = leaf.hash
        size = self._trees[leaf.seller_id].size
        if leaf.number != size:
            self.result.note(
                "leaf_misplaced", event.seller_id, event.position,
                f"it is leaf {leaf.number}, and should be {size}",
            )  # fmt: skip
        self.grow(leaf.seller_id, event.position, leaf.hash)

    def note_event(self, kind: Kind, event: StoredEvent, what: str) -> None:
        told = f"{event.topic}, version {event.version} of {event.stream}, {what}"
        self.result.note(kind, event.seller_id, event.position, told)

    def is_logged(self, event: StoredEvent, logged: bytes) -> bool:
        """Whether the leaf is that of the event, after its stream's last or one that was lost."""
        if leaf_hash(leaf_of(event, self._last_leaf.get(event.stream))) == logged:
            return True
        return any(leaf_hash(leaf_of(event, lost)) == logged for lost in self._lost)

    def grow(self, seller_id: UUID, position: int, hash_: bytes) -> None:
        """One leaf more, and what is known of the tree at this size compared."""
        tree = self._trees[seller_id]
        for level, number, subtree in tree.add(hash_):
            if self._stored.pop((seller_id, level, number), None) != subtree:
                self.result.note(
                    "subtree_differs", seller_id, position, f"subtree {number} of level {level}"
                )
        waiting = self._held.get(seller_id)
        while waiting and waiting[0].checkpoint.size == tree.size:
            self.compare_checkpoint(seller_id, position, tree, waiting.pop(0))

    def compare_checkpoint(self, seller_id: UUID, position: int, tree: Tree, held: Held) -> None:
        self.result.checkpoints += 1
        if held.checkpoint.root == tree.root():
            tree.agreed_position = position
            return
        self.result.note(
            "checkpoint_differs", seller_id, tree.agreed_position + 1,
            f"{held.source}, size {tree.size}: something up to position {position} was rewritten"
            " together with its leaf",
        )  # fmt: skip

    def compare_the_rest(self) -> None:
        """Checkpoints of larger trees than there are, and subtrees of leaves that are no more."""
        for seller_id, waiting in self._held.items():
            for held in waiting:
                self.result.note(
                    "checkpoint_ahead", seller_id, None,
                    f"{held.source} has {held.checkpoint.size} leaves, and the log"
                    f" {self._trees[seller_id].size}: its end was taken away",
                )  # fmt: skip
        for seller_id, level, number in self._stored:
            self.result.note(
                "subtree_differs", seller_id, None, f"subtree {number} of level {level} is too many"
            )


def fsck(database: Database, keys: LogKeys, held: Sequence[Held] = ()) -> FsckResult:
    """Check the cell, the checkpoints in its tables, and those given. Changes nothing."""
    with database.connect("auditor_sql") as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found, unsigned = stored_checkpoints(connection, keys)
        for each in held:
            found[seller_of(each.checkpoint)].append(each)
        run = Fsck(connection, found)
        for seller_id, detail in unsigned:
            run.result.note("checkpoint_unsigned", seller_id, None, detail)
        return run.run()


def stored_checkpoints(
    connection: Connection, keys: LogKeys
) -> tuple[dict[UUID, list[Held]], list[tuple[UUID, str]]]:
    """What the table has, by seller; and those rows that no key of ours has signed."""
    found: dict[UUID, list[Held]] = defaultdict(list)
    unsigned: list[tuple[UUID, str]] = []
    for seller_id, text in connection.execute(CHECKPOINTS).fetchall():
        try:
            note = read_note(text)
            checkpoint = read_checkpoint(note.text)
        except NoteRefused as error:
            unsigned.append((seller_id, str(error)))
            continue
        if checkpoint.origin != keys.origin(seller_id) or not note.signed_by(
            keys.verifiers(seller_id)
        ):
            unsigned.append((seller_id, f"size {checkpoint.size}: no key of this log signed it"))
        else:
            found[seller_id].append(Held("a checkpoint of the table", checkpoint))
    return found, unsigned


def seller_of(checkpoint: Checkpoint) -> UUID:
    """Whose log it is. Raises NoteRefused for a log that is none of ours."""
    try:
        return UUID(checkpoint.origin.rpartition("/")[2])
    except ValueError:
        raise NoteRefused(f"{checkpoint.origin} is no log of ours") from None


def side_by_side(
    connection: Connection,
) -> Iterator[tuple[StoredEvent, Leaf | None] | tuple[None, Leaf]]:
    """Events and leaves in the order of positions; either may be missing."""
    events = map(StoredEvent._make, stream(connection, "events", EVENTS))
    leaves = map(Leaf._make, stream(connection, "leaves", LEAVES))
    leaf = next(leaves, None)
    for event in events:
        while leaf is not None and leaf.position < event.position:
            yield None, leaf
            leaf = next(leaves, None)
        if leaf is not None and leaf.position == event.position:
            yield event, leaf
            leaf = next(leaves, None)
        else:
            yield event, None
    while leaf is not None:
        yield None, leaf
        leaf = next(leaves, None)


def stream(connection: Connection, name: str, query: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query of any length."""
    with connection.cursor(name, binary=True) as cursor:
        cursor.itersize = PAGE_SIZE
        cursor.execute(query)
        yield from cursor


def subtrees(connection: Connection) -> dict[tuple[UUID, int, int], bytes]:
    found: Iterable[tuple[UUID, int, int, bytes]] = connection.cursor(binary=True).execute(SUBTREES)
    return {(seller_id, level, number): hash_ for seller_id, level, number, hash_ in found}

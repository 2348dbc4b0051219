"""Operators' commands on past decisions: make all of them again, or try a draft policy on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import UUID

from domain import asin_binding
from domain.asin_binding import AsinBinding, BindingFact
from domain.asin_binding.facts import Validated
from domain.category_tree import Recorded as TreeRecorded
from domain.policy import Policy, policy_of
from domain.replay import Decision, decisions_of
from domain.rules.precheck import Judgement, Tree, judge
from domain.transparency.signed_note import Note
from infra.database import Connection, Database
from infra.event_codec import decode
from infra.transparency.log_keys import LogKeys

PAGE_SIZE = 2_000
DIFFERENCES_MAX = 20
ASINS_MAX = 20
SUMMARY = "asin-sync replay v1"

# Every binding's facts, stream by stream, each in the order of its versions.
HISTORIES = """
    SELECT originator_id, originator_version, topic, state, notification_id FROM asin_sync_events
    WHERE topic LIKE 'asin\\_binding.%' ORDER BY originator_id, originator_version
"""

# The leaves of a category tree as they were when something was decided by them.
TREE = "SELECT topic, state FROM asin_sync_events WHERE originator_id = %s"


class Trees:
    """Trees by their stream, read once each."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[UUID, Tree] = {}

    def of(self, tree_id: UUID) -> Tree:
        if tree_id not in self._known:
            row = self._connection.execute(TREE, (tree_id,)).fetchone()
            fact = cast(TreeRecorded, decode(row[0], row[1])) if row else None
            self._known[tree_id] = fact.leaves if fact else {}
        return self._known[tree_id]


class History(NamedTuple):
    """A binding's facts, and where its first and its last event stand in the log."""

    binding_id: UUID
    facts: Sequence[BindingFact]
    first_position: int
    last_position: int


@dataclass
class ReplayResult:
    """How many decisions were made again, and which came out otherwise; 0 is no position."""

    first_position: int = 0
    last_position: int = 0
    policies: Counter[str] = field(default_factory=Counter)
    bindings: int = 0
    decisions: int = 0
    same: int = 0
    not_replayable: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, Any]] = field(default_factory=list)
    different: int = 0

    def take(self, history: History) -> None:
        """One binding more."""
        first, last = history.first_position, history.last_position
        self.first_position = min(self.first_position or first, first)
        self.last_position = max(self.last_position, last)
        self.bindings += 1

    def count(self, binding_id: UUID, decision: Decision) -> None:
        self.decisions += 1
        self.policies[decision.recorded[0].stamp.policy] += 1
        if decision.again is None:
            self.not_replayable[decision.lacking] += 1
        elif decision.is_same:
            self.same += 1
        else:
            self.different += 1
            if len(self.differences) < DIFFERENCES_MAX:
                self.differences.append(difference(binding_id, decision))

    def as_json(self) -> dict[str, Any]:
        return {
            "first_position": self.first_position,
            "last_position": self.last_position,
            "policies": dict(sorted(self.policies.items())),
            "bindings": self.bindings,
            "decisions": self.decisions,
            "same": self.same,
            "different": self.different,
            "not_replayable": dict(self.not_replayable),
            "differences": self.differences,
        }


def difference(binding_id: UUID, decision: Decision) -> dict[str, Any]:
    again = decision.again or []
    return {
        "binding_id": str(binding_id),
        "version": decision.version,
        "recorded": [fact.model_dump(mode="json") for fact in decision.recorded],
        "again": [{"type": fact.TOPIC, **fact.model_dump(mode="json")} for fact in again],
    }


def histories(connection: Connection) -> Iterator[History]:
    """Every binding's history; memory holds one page of events."""
    with connection.transaction(), connection.cursor("histories", binary=True) as cursor:
        cursor.itersize = PAGE_SIZE
        cursor.execute(HISTORIES)
        for binding_id, rows in groupby(cursor, key=itemgetter(0)):
            events = list(rows)
            facts = [decode(topic, state) for _, _, topic, state, _ in events]
            positions = [position for *_, position in events]
            yield History(
                binding_id, cast(list[BindingFact], facts), min(positions), max(positions)
            )


def replay(database: Database) -> ReplayResult:
    """Make every decision again, each under its own policy version, and compare."""
    result = ReplayResult()
    with database.connect("projector") as reading, database.connect("projector") as other:
        trees = Trees(other)
        for history in histories(reading):
            result.take(history)
            for decision in decisions_of(history.binding_id, history.facts, trees.of):
                result.count(history.binding_id, decision)
    return result


def summary_of(result: ReplayResult, keys: LogKeys) -> Note:
    """The counts as a note signed with the log's keys: for whoever does not reach the database.

    One fact a line; then how many decisions were made under each policy.
    """
    lines = [
        SUMMARY,
        keys.name,
        f"positions {result.first_position} {result.last_position}",
        f"bindings {result.bindings}",
        f"decisions {result.decisions}",
        f"same {result.same}",
        f"different {result.different}",
        f"not-replayable {result.not_replayable.total()}",
        *(f"policy {policy} {count}" for policy, count in sorted(result.policies.items())),
    ]
    return keys.sign_for_all("".join(f"{line}\n" for line in lines))


def write_summary(result: ReplayResult, keys: LogKeys, file: Path) -> Path:
    """The signed summary, and in a file beside it the public keys; return the name of that."""
    beside = file.with_name(f"{file.name}.vkey")
    file.write_text(str(summary_of(result, keys)), "utf-8")
    beside.write_text("".join(f"{vkey}\n" for vkey in keys.installation_vkeys), "utf-8")
    return beside


@dataclass
class WhatIfResult:
    """What a draft policy would decide otherwise on live bindings, from the same inputs."""

    live: int = 0
    judged: int = 0
    changes: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def compare(self, binding: AsinBinding, before: Judgement, after: Judgement) -> None:
        self.judged += 1
        if (before.verdict, codes_of(before)) == (after.verdict, codes_of(after)):
            return
        change = f"{in_short(before)} -> {in_short(after)}"
        self.counts[change] += 1
        listed = self.changes.setdefault(change, [])
        if len(listed) < ASINS_MAX:
            listed.append(binding.asin)

    def as_json(self) -> dict[str, Any]:
        return {
            "live_bindings": self.live,
            "judged": self.judged,
            "would_change": sum(self.counts.values()),
            "changes": [
                {"change": change, "bindings": count, "asins": self.changes[change]}
                for change, count in self.counts.most_common()
            ],
        }


def what_if(database: Database, draft: Policy) -> WhatIfResult:
    """Judge every live binding again by the draft and by today's policy, from its last check."""
    result, today = WhatIfResult(), policy_of()
    with database.connect("projector") as reading, database.connect("projector") as other:
        trees = Trees(other)
        for binding_id, history, *_ in histories(reading):
            binding = asin_binding.fold(None, binding_id, history)
            if binding is None or not binding.is_live:
                continue
            result.live += 1
            checked = last_check(history)
            if checked is None or checked.circumstances is None:
                continue
            around, product = checked.circumstances, checked.product
            tree = trees.of(around.tree_id) if around.tree_id else {}
            before = judge(today, product, binding.terms, around, tree)
            result.compare(binding, before, judge(draft, product, binding.terms, around, tree))
    return result


def last_check(history: Sequence[BindingFact]) -> Validated | None:
    return next((fact for fact in reversed(history) if isinstance(fact, Validated)), None)


def codes_of(judgement: Judgement) -> list[str]:
    return sorted({found.code for found in judgement.faults})


def in_short(judgement: Judgement) -> str:
    codes = ", ".join(codes_of(judgement))
    return f"{judgement.verdict} ({codes})" if codes else judgement.verdict

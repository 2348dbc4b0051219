"""What a measurement yields, and how it is shown and kept. It says MISS, it never fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

LOG = Path(__file__).parents[2] / "var" / "bench.jsonl"


@dataclass(frozen=True)
class Measurement:
    """A figure beside its reference; `ratio` is the better of the two over the other, or a share.

    The gate applies to the ratio where `is_ratio_gated`, else to the value; `note` says what else
    was counted.
    """

    name: str
    value: float
    unit: str
    reference: float | None
    ratio: float | None
    gate: float
    is_ratio_gated: bool = True
    is_lower_better: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool:
        gated = self.ratio if self.is_ratio_gated else self.value
        if gated is None:
            return False
        return gated <= self.gate if self.is_lower_better else gated >= self.gate


Measure = Callable[[], Iterable[Measurement]]


def keep(measurement: Measurement) -> None:
    """Append the figures to var/bench.jsonl."""
    LOG.parent.mkdir(exist_ok=True)
    content = {
        name: getattr(measurement, name) for name in ("name", "value", "unit", "reference", "ratio")
    }
    with LOG.open("a", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")


def show(console: Console, measurements: Sequence[Measurement]) -> None:
    """One row each, with the verdict."""
    table = Table("name", "value", "unit", "reference", "ratio", "gate", "verdict", title="bench")
    for each in measurements:
        sign = "≤" if each.is_lower_better else "≥"
        verdict = "[green]pass[/]" if each.is_met else "[red]MISS[/]"
        table.add_row(
            each.name, figure(each.value), each.unit, figure(each.reference), figure(each.ratio),
            f"{sign} {each.gate:g}", verdict,
        )  # fmt: skip
    console.print(table)
    for each in measurements:
        if each.note:
            console.print(f"{each.name}: {each.note}", style="dim")


def figure(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"

"""The initial-defect warranty that every listing shows, and the text it stands in (SPEC §7)."""

from __future__ import annotations

import re

from domain.values import Value

TEMPLATE_URL = "https://www.mercari.com/jp/help/articles/initial-defect/"
TITLE_LENGTH_MAX = 130
DESCRIPTION_LENGTH_MAX = 3_000

_KANA = re.compile(r"[\u3041-\u309f\u30a0-\u30ff]")


class Warranty(Value):
    """A seller's terms: days, and the four parts that the terms must have, in real Japanese."""

    days: int = 7
    conditions: str = "商品の開封後24時間以内にご連絡をいただいた初期不良が対象です。"
    remedy: str = "当店の送料負担で、交換または返金いたします。"
    exclusions: str = "お客様による破損や誤った使用による故障は対象外です。"

    def text(self) -> str:
        """The block that a listing shows."""
        return (
            f"初期不良保証期間:{self.days}日\n"
            f"【適用条件】{self.conditions}\n"
            f"【対応方法】{self.remedy}\n"
            f"【対象外】{self.exclusions}\n"
            f"【詳細】{TEMPLATE_URL}"
        )


def faults_in(warranty: Warranty) -> list[str]:
    """The parts that are missing or obviously not Japanese (no kana), by name."""
    parts = {"conditions": warranty.conditions, "remedy": warranty.remedy}
    parts["exclusions"] = warranty.exclusions
    faults = [name for name, text in parts.items() if not _KANA.search(text)]
    return faults if warranty.days >= 1 else ["days", *faults]


def listing_title(title: str) -> str:
    """Amazon's title, cut to what Mercari takes."""
    return title[:TITLE_LENGTH_MAX]


def listing_description(title: str, warranty: Warranty) -> str:
    """Title and warranty block; nothing else is allowed in a synced listing (E-417)."""
    return f"{warranty.text()}\n\n{title}"[:DESCRIPTION_LENGTH_MAX]

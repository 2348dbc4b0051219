"""The initial-defect warranty that every listing shows, and the text it stands in (SPEC §7)."""

from __future__ import annotations

from domain.rules.findings import Check, Finding, failed, passed
from domain.values import Value, folded
from domain.writing import foreign_han, kana_share

TEMPLATE_URL = "https://www.mercari.com/jp/help/articles/initial-defect/"
TITLE_LENGTH_MAX = 130
DESCRIPTION_LENGTH_MAX = 3_000
PART_LENGTH_MAX = 400
DAYS_MAX = 90
KANA_SHARE_MIN = 0.15
"""Running Japanese has far more kana than this; a machine's Chinese has none."""

MUST_SAY = {
    "conditions": ("24時間",),
    "remedy": ("交換", "返金"),
    "exclusions": ("破損", "故障", "過失", "誤った使用"),
}
"""What each part has to speak of: one of these words (SPEC §7)."""
NEVER_SAY = ("ノークレーム", "ノーリターン", "返品不可", "保証なし", "保証いたしません")
"""A business can't free itself from its duty to a consumer by such words (民法 第562条)."""


class Warranty(Value):
    """A seller's terms: days, and the three parts that the terms must have, in real Japanese."""

    days: int = 7
    conditions: str = "商品の開封後24時間以内にご連絡をいただいた初期不良が対象です。"
    remedy: str = "当店の送料負担で、交換または返金いたします。"
    exclusions: str = "お客様による破損や誤った使用による故障は対象外です。"

    @property
    def parts(self) -> dict[str, str]:
        return {
            "conditions": self.conditions,
            "remedy": self.remedy,
            "exclusions": self.exclusions,
        }

    def text(self) -> str:
        """The block that a listing shows."""
        return (
            f"初期不良保証期間:{self.days}日\n"
            f"【適用条件】{self.conditions}\n"
            f"【対応方法】{self.remedy}\n"
            f"【対象外】{self.exclusions}\n"
            f"【詳細】{TEMPLATE_URL}"
        )


def faults_in(warranty: Warranty) -> dict[str, str]:
    """What must be mended: the part, and the key of the rule it breaks; empty when all is well."""
    faults = {} if 1 <= warranty.days <= DAYS_MAX else {"days": "warranty_days"}
    for name, text in warranty.parts.items():
        if fault := fault_of(name, text):
            faults[name] = fault
    return faults


def fault_of(name: str, text: str) -> str | None:
    """The rule that one part breaks."""
    plain = folded(text)
    if not plain:
        return "warranty_part_there"
    if len(text) > PART_LENGTH_MAX:
        return "warranty_part_short"
    if kana_share(text) < KANA_SHARE_MIN or foreign_han(text):
        return "warranty_in_japanese"
    if any(folded(word) in plain for word in NEVER_SAY):
        return "warranty_not_denied"
    if not any(folded(word) in plain for word in MUST_SAY[name]):
        return f"warranty_{name}_said"
    return None


def check_warranty(warranty: Warranty) -> Check:
    """The statement and its terms stand in the listing, in Japanese (E-414)."""
    faults = faults_in(warranty)
    if not faults:
        return passed("warranty")
    return failed(
        "warranty",
        *(
            Finding(
                code="E-414", field=f"warranty.{name}", seen=seen_of(warranty, name), rule=rule,
                source="初期不良保証; 特定商取引法 第11条",
            )
            for name, rule in faults.items()
        ),
    )  # fmt: skip


def seen_of(warranty: Warranty, name: str) -> str:
    return str(warranty.days) if name == "days" else warranty.parts[name][:60] or "-"


def listing_title(title: str) -> str:
    """Amazon's title, cut to what Mercari takes."""
    return title[:TITLE_LENGTH_MAX]


def listing_description(title: str, warranty: Warranty) -> str:
    """Title and warranty block; nothing else is allowed in a synced listing (E-417)."""
    return f"{warranty.text()}\n\n{title}"[:DESCRIPTION_LENGTH_MAX]

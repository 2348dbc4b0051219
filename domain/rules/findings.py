"""What a check finds: its verdict, and for each thing found the value seen and the rule broken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from domain.values import Value

Verdict = Literal["pass", "fail", "review", "unknown"]

INTEGRATION_POLICY = "ASIN Integration Policy v2.1"
COMPLIANCE_PAPER = "商品合规白皮书(2024修订版)"


class Finding(Value):
    """One thing found wrong or worth a warning: the value seen and the rule it was held against.

    `rule` is a key of the wording tables (`domain/texts`), and `values` fill its placeholders.
    """

    code: str
    field: str
    seen: str
    rule: str
    source: str
    values: Mapping[str, str] = {}


class Check(Value):
    """One check's verdict; a check that passes has no finding unless it is a warning.

    An advisory check is shown but decides nothing: the image where no inspector is installed.
    """

    name: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    is_advisory: bool = False


def passed(name: str, *warnings: Finding) -> Check:
    return Check(name=name, verdict="pass", findings=warnings)


def failed(name: str, *findings: Finding) -> Check:
    return Check(name=name, verdict="fail", findings=findings)

"""What the log and a binding's history say, for every fact that there is."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.l10n import L10n
from api.log_text import ATTEMPTS, GUARDS, SENTENCES, what_changed
from domain.asin_binding.facts import AttemptFailed, BindingFact, Suspended
from domain.error_codes import Language
from projections.sync_log import binding_lines
from tests.examples import STAMP, suspended
from tests.fact_samples import facts_of

FACTS = [kind for kind in get_args(BindingFact) if kind is not AttemptFailed]
"""All but what names its operation itself."""
IN_WORDS = {*SENTENCES, *GUARDS, *ATTEMPTS}


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_every_line_of_a_bindings_history_is_said_in_words(kind: Any, data: st.DataObject) -> None:
    for line in binding_lines(data.draw(facts_of(kind))):
        assert line.operation.partition(".")[0] in IN_WORDS


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "已暂停：价格超出允许范围（E-409）"),
        ("ja", "一時停止：価格が許容範囲外（E-409）"),
        ("en", "Suspended: Price out of range (E-409)"),
    ],
)
def test_a_suspension_is_said_to_come_from_what_its_code_says(
    language: Language, said: str
) -> None:
    priced_out = Suspended(
        stamp=STAMP, code="E-409", amazon_status="active", reason="price_out_of_range",
        amazon_price_jpy=200,
    )  # fmt: skip
    assert what_changed(priced_out, L10n(language)) == said
    assert "E-404" not in what_changed(suspended(), L10n(language))

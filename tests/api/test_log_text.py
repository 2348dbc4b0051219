"""What the log and a binding's history say, for every fact that there is."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.log_text import ATTEMPTS, GUARDS, SENTENCES
from domain.asin_binding.facts import AttemptFailed, BindingFact
from projections.sync_log import binding_lines
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

"""Any fact of any kind, made by hypothesis from its own fields: for codecs and folds."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st
from pydantic import AwareDatetime

from domain.facts import Fact
from domain.ports import MercariListing
from domain.submission import Fault

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
RATES = st.decimals(-1, 1, places=8)
INTEGERS = st.integers(-(2**31), 2**31)

st.register_type_strategy(str, TEXTS)
st.register_type_strategy(int, INTEGERS)
st.register_type_strategy(float, st.floats(0, 100))
st.register_type_strategy(datetime, TIMES)
st.register_type_strategy(AwareDatetime, TIMES)
st.register_type_strategy(Decimal, RATES)
st.register_type_strategy(
    Fault,
    st.builds(
        Fault,
        key=TEXTS,
        values=st.dictionaries(TEXTS, TEXTS | INTEGERS | st.none(), max_size=2),
    ),
)
st.register_type_strategy(MercariListing, st.builds(MercariListing, observed_at=TIMES))


def facts_of(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    """Facts of this kind, every field filled in at random."""
    return st.from_type(kind)

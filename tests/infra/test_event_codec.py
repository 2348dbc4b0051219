"""The codec: every fact comes back from its bytes as it was, whatever it holds."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.catalogue import FACTS
from domain.errors import TextRefused
from domain.facts import Fact
from domain.seller import AmazonLinked
from infra.event_codec import decode, encode
from tests.examples import LIVE, STAMP, withdrawn
from tests.fact_samples import facts_of


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.TOPIC)
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_fact_holds_it_comes_back_from_its_bytes(
    kind: type[Fact], data: st.DataObject
) -> None:
    fact = data.draw(facts_of(kind))
    fact = fact.model_copy(update=dict.fromkeys(kind.PERSONAL))
    state = encode(fact)
    assert decode(kind.TOPIC, state) == fact.model_copy(update=dict.fromkeys(kind.PERSONAL))
    assert encode(decode(kind.TOPIC, state)) == state


def test_the_bytes_are_plain_json_with_the_version_of_the_shape() -> None:
    content = orjson.loads(encode(withdrawn()))
    assert (content["v"], content["reason"]) == (1, "asked by the seller")
    assert content["stamp"]["policy"] == STAMP.policy


def test_a_float_rate_keeps_every_digit() -> None:
    assert orjson.loads(encode(LIVE[1]))["float_rate"] == "0E-8"


def test_a_link_from_before_consents_is_read_without_scopes() -> None:
    content = {"v": 1, "stamp": orjson.loads(encode(withdrawn()))["stamp"], "amazon_seller_id": "A"}
    fact = decode("seller.amazon_linked", orjson.dumps(content))
    assert isinstance(fact, AmazonLinked)
    assert fact.scopes == ()


def test_a_name_that_never_was_can_not_be_read() -> None:
    with pytest.raises(KeyError):
        decode("asin_binding.imagined", b"{}")


def test_a_shape_from_the_future_can_not_be_read() -> None:
    content = orjson.loads(encode(withdrawn())) | {"v": 99}
    with pytest.raises(ValueError, match="has no shape 99"):
        decode("asin_binding.withdrawn", orjson.dumps(content))


@pytest.mark.parametrize("state", [b"", b"{", b'{"v":1}', b'{"v":1,"reason":"x","more":1}'])
def test_broken_bytes_are_never_read_as_a_fact(state: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode("asin_binding.withdrawn", state)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\\\x00"])
def test_a_character_that_no_view_could_hold_is_refused(text: str) -> None:
    with pytest.raises(TextRefused):
        encode(withdrawn().model_copy(update={"reason": text}))


def test_the_same_written_as_an_escape_is_text_like_any_other() -> None:
    fact = withdrawn().model_copy(update={"reason": r"\u0000"})
    assert decode(fact.TOPIC, encode(fact)) == fact

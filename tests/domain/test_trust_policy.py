"""A trust policy is read to the letter of c2sp.org/tlog-policy, or refused with a line's number."""

from __future__ import annotations

import pytest

from domain.transparency.signed_note import COSIGNATURE, NOTE, Signer
from domain.transparency.trust_policy import PolicyRefused, read_policy

VKEYS = [Signer(f"w{n}.example", bytes([n] * 32), COSIGNATURE).verifier.vkey for n in range(6)]
LOG = Signer("log.example", bytes([9] * 32), NOTE).verifier.vkey
A, B, C, *_ = VKEYS
TWO_OF_THREE = f"""\
# who watches
log {LOG} https://log.example/
witness\ta {A}  https://a.example/prefix/
  witness b {B} http://127.0.0.1:7001

witness c {C}
group most 2 a b c
quorum most
"""


def policy_of(text: str) -> bytes:
    return text.encode()


def test_two_of_three_are_enough_whoever_they_are_and_one_is_not() -> None:
    policy = read_policy(policy_of(TWO_OF_THREE))
    assert [each.name for each in policy.witnesses] == ["a", "b", "c"]
    urls = [each.url for each in policy.witnesses]
    assert urls == ["https://a.example/prefix", "http://127.0.0.1:7001", None]
    for enough in ({A, B}, {B, C}, {A, C}, {A, B, C}):
        assert policy.is_reached(enough)
    for few in (set(), {A}, {B, VKEYS[4]}, {LOG, C}):
        assert not policy.is_reached(few)


def test_groups_of_groups_need_each_of_their_own() -> None:
    lines = [f"witness {name} {vkey}" for name, vkey in zip("abcdef", VKEYS, strict=True)]
    lines += ["group x 2 a b c", "group y any d e f", "group both all x y", "quorum both"]
    policy = read_policy(policy_of("\n".join(lines)))
    assert policy.is_reached({A, B, VKEYS[3]})
    assert not policy.is_reached({A, B, C})
    assert not policy.is_reached({A, *VKEYS[3:]})


def test_a_quorum_of_none_is_always_reached_and_one_witness_may_be_the_quorum() -> None:
    assert read_policy(b"quorum none\n").is_reached(())
    single = read_policy(policy_of(f"witness a {A}\nquorum a\n"))
    assert single.is_reached([A])
    assert not single.is_reached([B])


def test_names_are_bytes_and_need_not_be_text() -> None:
    policy = read_policy(b"witness \xff\xfe " + A.encode() + b"\nquorum \xff\xfe\n# \xe8\n")
    assert policy.is_reached([A])


REFUSED = {
    "": (1, "ends without"),
    "quorum nobody\n": (1, "not defined"),
    "quorum none\nquorum none\n": (2, "one `quorum` line"),
    f"quorum a\nwitness a {A}\n": (1, "not defined"),
    f"witness a {A}\nwitness a {B}\nquorum a\n": (2, "taken"),
    f"witness a {A}\nwitness b {A}\nquorum a\n": (2, "stands on a line before"),
    f"log {LOG}\nlog {LOG}\nquorum none\n": (2, "stands on a line before"),
    f"witness none {A}\nquorum none\n": (1, "taken"),
    f"witness a {A[:-3]}\nquorum a\n": (1, "base64"),
    f"witness a {A.replace('+', '+0', 1)}\nquorum a\n": (1, "the key's id"),
    f"witness a {LOG}\nquorum a\n": (1, "kind 1"),
    f"log {A}\nquorum none\n": (1, "kind 4"),
    f"witness a {A} ftp://a\nquorum a\n": (1, "address"),
    f"witness a {A} https://u@a\nquorum a\n": (1, "address"),
    f"witness a {A} https://a:99999\nquorum a\n": (1, "address"),
    f"witness a {A} https://[a\nquorum a\n": (1, "address"),
    f"witness a {A} https://a more\nquorum a\n": (1, "not understood"),
    f"witness a {A}\ngroup g 2 a\nquorum g\n": (2, "can't be"),
    f"witness a {A}\ngroup g 0 a\nquorum g\n": (2, "can't be"),
    f"witness a {A}\ngroup g 01 a\nquorum g\n": (2, "can't be"),
    f"witness a {A}\ngroup g most a\nquorum g\n": (2, "can't be"),
    f"witness a {A}\ngroup g all\nquorum g\n": (2, "not understood"),
    f"witness a {A}\ngroup g 1 a a\nquorum g\n": (2, "twice"),
    f"witness a {A}\ngroup g all a none\nquorum g\n": (2, "not defined"),
    f"witness a {A}\ngroup a all a\nquorum a\n": (2, "taken"),
    f"witness a {A}\ngroup g all g\nquorum g\n": (2, "not defined"),
    f"witness a {A}\ngroup g all a\ngroup h all a\nquorum h\n": (3, "in a group already"),
    f"witness a {A}\r\nquorum a\r\n": (1, "control character"),
    f"witness a {A}\nquorum\u00a0a\n": (2, "not understood"),
    f"witness a {A}\nQUORUM a\n": (2, "not understood"),
    "vote 3\n": (1, "not understood"),
    "\n" * 1_000: (1_000, "no more lines"),
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_an_unclear_file_is_refused_with_the_number_of_its_line(text: str) -> None:
    line, why = REFUSED[text]
    with pytest.raises(PolicyRefused, match=f"^line {line}: .*{why}"):
        read_policy(policy_of(text))


def test_a_key_whose_name_is_not_text_is_refused() -> None:
    with pytest.raises(PolicyRefused, match=r"^line 1: .*UTF-8"):
        read_policy(b"witness a \xff" + A.encode() + b"\nquorum a\n")
    with pytest.raises(PolicyRefused, match=r"^line 1: .*address"):
        read_policy(f"witness a {A} https://a/".encode() + b"\xff\nquorum a\n")

"""Contacts and mails: which addresses are kept, when a mail is due, what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.contacts import (
    CONTACTS_MAX,
    TOPICS,
    ContactRefused,
    contact_from,
    ensure_few,
    is_address,
)
from domain.error_codes import LANGUAGES, Language
from domain.mails import (
    LINES_MAX,
    VALUES,
    Waiting,
    ensure_values,
    in_one_line,
    is_due,
    mail_of,
    retry_delay_seconds,
)
from tests.examples import NOW, at

GOOD = ("a@b.jp", "name.sur+tag@mail.example.co.jp", "o'brien@x-y.example", "1@2.3d")
BAD = (
    "", "a", "a@b", "@b.jp", "a@", "a@b..jp", ".a@b.jp", "a.@b.jp", "a..b@c.jp", "a b@c.jp",
    "a@b.jp\n", "a@b.jp\r\nBcc: x@y.jp", "a@b.jp,c@d.jp", "a@b.jp;c@d.jp", "<a@b.jp>",
    '"a b"@c.jp', "a@-b.jp", "a@b-.jp", "a@[127.0.0.1]", "ａ@b.jp", "あ@b.jp", "a@日本.jp",
    "a@b.jp\x00", "a%0d%0a@b .jp", "x" * 65 + "@b.jp", "a@" + "b" * 64 + ".jp",
    "a@" + "b." * 130 + "jp", "a@b.jp\u2028", "a:b@c.jp", "a\\b@c.jp",
)  # fmt: skip


def test_a_plain_address_is_kept_and_everything_else_refused() -> None:
    assert [each for each in GOOD if not is_address(each)] == []
    assert [each for each in BAD if is_address(each)] == []


def test_a_refused_contact_names_each_part_that_is_wrong() -> None:
    with pytest.raises(ContactRefused) as refused:
        contact_from("contacts/0/", "a@b", "fr", ["rivals"])
    assert refused.value.fields["rules"] == {
        "contacts/0/email": "contact_email", "contacts/0/language": "contact_language",
        "contacts/0/topics": "contact_topics",
    }  # fmt: skip
    with pytest.raises(ContactRefused):
        contact_from("", "a@b.jp", "ja", [])
    kept = contact_from("", " a@b.jp ", "ja", ["brake", "stock", "stock"])
    assert (kept.email, kept.topics) == ("a@b.jp", ("stock", "brake"))


def test_an_address_is_kept_once_and_there_are_only_so_many() -> None:
    one = contact_from("", "a@b.jp", "ja", TOPICS)
    many = [contact_from("", f"a{n}@b.jp", "ja", TOPICS) for n in range(CONTACTS_MAX)]
    ensure_few(many)
    for wrong in ([one, contact_from("", "A@b.jp", "en", TOPICS)], [*many, one]):
        with pytest.raises(ContactRefused):
            ensure_few(wrong)


@pytest.mark.parametrize(
    ("waiting", "seconds", "expected"),
    [
        ({}, 59, False), ({}, 60, True), ({"newest_at": at(50)}, 109, False),
        ({"newest_at": at(590)}, 600, True), ({"sent_at": at(-3540)}, 59, False),
        ({"sent_at": at(-3540)}, 60, True), ({"sent_at": at(-3000)}, 599, False),
        ({"retry_at": at(120)}, 119, False), ({"retry_at": at(120)}, 120, True),
    ],
)  # fmt: skip
def test_a_mail_waits_for_more_but_not_long_and_comes_once_an_hour(
    waiting: dict[str, Any], seconds: int, expected: bool
) -> None:
    asked = Waiting(**{"oldest_at": NOW, "newest_at": NOW} | waiting)
    assert is_due(asked, at(seconds)) is expected


def test_a_failed_mail_is_tried_again_later_and_later() -> None:
    delays = [retry_delay_seconds(attempts) for attempts in (1, 2, 3, 7, 1_000)]
    assert delays == [60, 120, 240, 3600, 3600]
    assert sum(delays[:4]) < timedelta(hours=24).total_seconds()


def messages(topic: str, count: int = 1) -> list[dict[str, str]]:
    return [{name: f"{name}{n}" for name in VALUES[topic]} for n in range(count)]  # type: ignore[index]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_mail_says_what_happened_what_to_do_and_where(topic: Any, language: Language) -> None:
    mail = mail_of(
        topic, messages(topic, 2), language, shop_name="店", base_url="https://sync.example"
    )
    assert "\n" not in mail.subject
    assert "店" in mail.subject
    for said in messages(topic, 2):
        assert all(value in mail.text for value in said.values())
    assert "https://sync.example/" in mail.text
    assert "{" not in mail.text


def test_a_mail_of_very_many_messages_names_the_first_and_counts_the_rest() -> None:
    mail = mail_of(
        "stock", messages("stock", LINES_MAX + 7), "en", shop_name="x", base_url="http://x"
    )
    assert f"title{LINES_MAX - 1}" in mail.text
    assert f"title{LINES_MAX}\n" not in mail.text
    assert "and 7 more" in mail.text
    assert str(LINES_MAX + 7) in mail.subject


def test_no_name_of_a_shop_or_product_begins_a_line_of_its_own() -> None:
    evil = "x\r\nBcc: all@c.example\u2028y\x00{url}" + "z" * 500
    told = [{**messages("stock")[0], "title": evil}]
    mail = mail_of("stock", told, "en", shop_name=evil, base_url="http://x")
    assert "\r" not in mail.subject + mail.text
    assert not [line for line in mail.text.splitlines() if line.startswith("Bcc")]
    assert "{url}" in mail.text
    assert len(in_one_line(evil)) <= 121


def test_a_message_that_lacks_a_value_is_not_noted() -> None:
    with pytest.raises(ValueError, match="lacks asin"):
        ensure_values("stock", {"title": "", "amazon_quantity": "", "stock_threshold": "",
                                "since": ""})  # fmt: skip

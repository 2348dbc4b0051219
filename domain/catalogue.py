"""Every fact there is, by its permanent topic: what the codec can read, and where to start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from domain import breaker, category_tree, looks, people, seller, submission, sync_sweep, ticket
from domain.asin_binding.facts import BindingFact
from domain.channel_prices import ChannelPricesEntered
from domain.facts import Fact
from domain.requests import KeyUsed

FACTS: tuple[type[Fact], ...] = (
    *get_args(seller.SellerFact),
    *get_args(submission.SubmissionFact),
    *get_args(BindingFact),
    *get_args(sync_sweep.SweepFact),
    *get_args(breaker.BreakerFact),
    *get_args(ticket.TicketFact),
    looks.Opened,
    *get_args(people.PersonFact),
    category_tree.Recorded,
    ChannelPricesEntered,
    KeyUsed,
)

BY_TOPIC: Mapping[str, type[Fact]] = {fact.TOPIC: fact for fact in FACTS}

"""What is decided about a seller's pricing rules: they change as a whole, or not at all."""

from __future__ import annotations

from domain.arbitrage import ensure_not_terminated
from domain.errors import PricingRefused
from domain.facts import Command
from domain.policy import policy_of
from domain.rules.fees import day_in_japan
from domain.rules.pricing_faults import faults_of_rules
from domain.rules.repricing import PricingRules
from domain.seller import PricingRulesChanged, Seller, SellerFact


class ChangePricingRules(Command):
    rules: PricingRules


def change_rules(seller: Seller, command: ChangePricingRules) -> list[SellerFact]:
    """Raises PricingRefused naming each field that is wrong, and why; SellerTerminated."""
    ensure_not_terminated(seller.arbitrage)
    ensure_rules_hold(command)
    if command.rules == (seller.pricing_rules or PricingRules()):
        return []
    return [PricingRulesChanged(stamp=command.stamp, rules=command.rules)]


def ensure_rules_hold(command: ChangePricingRules) -> None:
    """Raises PricingRefused naming each field that is wrong, and why."""
    policy, stamp = policy_of(command.stamp.policy), command.stamp
    if faults := faults_of_rules(policy.repricing, command.rules, day_in_japan(stamp.decided_at)):
        raise PricingRefused(f"mend: {', '.join(faults)}", rules=faults)

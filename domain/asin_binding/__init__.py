"""AsinBinding: one Amazon.co.jp ASIN of one seller, and the Mercari listing it is sold through.

Read `facts` (what can happen), `state` (what it amounts to), `decisions` (what is done about it).
What Mercari should show (price, stock, on sale) is decided here; what it did show comes back as a
fact, and `effect_due` is the difference.
"""

from domain.asin_binding.facts import BindingFact, Effect
from domain.asin_binding.state import AsinBinding, Status, effect_due, evolve, fold

__all__ = ["AsinBinding", "BindingFact", "Effect", "Status", "effect_due", "evolve", "fold"]

"""Ticket: a seller asks Mercari for help, from a failed line of the log or without one.

Read `facts` (what can happen), `state` (what it amounts to), `decisions` (what is done about it).
Every free text is personal: it is read from here alone, never from a view.
"""

from domain.ticket.facts import Attachment, Cause, Group, TicketFact
from domain.ticket.state import Entry, Status, Ticket, evolve, fold, shown_to_seller

__all__ = [
    "Attachment", "Cause", "Entry", "Group", "Status", "Ticket", "TicketFact", "evolve", "fold",
    "shown_to_seller",
]  # fmt: skip

"""What each command would do, if it is let through.

One file per sort of command; `propose` finds the right one. What makes no sense at all, in
whatever stage, is answered here already; the rest is judged by `streams.migration.decide`.
"""

from streams.migration.proposals.dispatch import propose
from streams.migration.proposals.proposal import Place, Proposal

__all__ = ["Place", "Proposal", "propose"]

"""Preflight: facts about the systems around Hotswap, and what each check says to them.

Decides only; who asks the systems is `streams.services.preflight`. A check is a function from
facts of one sort to a `CheckResult`; `judge` knows them all. `estimates` says what the facts tell
of money and time.
"""

from streams.core.preflight.estimating import estimates
from streams.core.preflight.judging import Facts, judge

__all__ = ["Facts", "estimates", "judge"]

"""How far two ranked lists of ids agree: two lanes' answers to one query.

Scores of two models are not comparable, so only the order of ids counts. In each list the
nearest comes first; an id that comes twice counts where it comes first. All measures are the
same with the lists swapped. Knows neither lanes nor which list is the better one.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence

__all__ = ["overlap_at", "rank_biased_overlap", "rank_correlation"]


def overlap_at(k: int, first: Sequence[str], second: Sequence[str]) -> float:
    """The share of ids that the top `k` of both lists have in common, 0 … 1.

    |A ∩ B| / max(|A|, |B|) with A and B the top `k`: a list that is short counts as a list that
    missed the rest, unless both are short. Two empty lists agree: 1.

    Raises: ValueError if `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}, not at least 1")
    top, other = set(_unique(first)[:k]), set(_unique(second)[:k])
    longest = max(len(top), len(other))
    return len(top & other) / longest if longest else 1.0


def rank_correlation(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Kendall's tau over the ids that both lists hold, -1 … 1; None if there are fewer than 2.

    1 is the same order, -1 the reverse. There are no ties, so all variants of tau are the same:
    (concordant - discordant) / all pairs. Kendall, A New Measure of Rank Correlation,
    Biometrika 30 (1938).
    """
    place = {each: rank for rank, each in enumerate(_unique(second))}
    ranks = [place[each] for each in _unique(first) if each in place]
    pairs = len(ranks) * (len(ranks) - 1) // 2
    if not pairs:
        return None
    discordant = 0
    before: list[int] = []
    for rank in ranks:
        discordant += len(before) - bisect_right(before, rank)
        insort(before, rank)
    return 1 - 2 * discordant / pairs


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = 0.9) -> float:
    """RBO, extrapolated from what is seen of both lists, 0 … 1.

    The weight of depth d falls as p^d, so the top counts most: with p = 0.9 the first ten ranks
    have 86 % of the weight. Webber, Moffat and Zobel, A Similarity Measure for Indefinite
    Rankings, ACM TOIS 28 (2010), equation 32, for lists of any two lengths. Two empty lists
    agree (1), an empty one and another do not (0).

    Raises: ValueError unless 0 < p < 1.
    """
    if not 0 < p < 1:
        raise ValueError(f"p is {p}, not between 0 and 1")
    short, long = sorted((_unique(first), _unique(second)), key=len)
    if not short:
        return 0.0 if long else 1.0
    total, weight, common = 0.0, 1.0, 0
    common_at_short = 0
    seen_short: set[str] = set()
    seen_long: set[str] = set()
    for depth, each in enumerate(long, start=1):
        weight *= p
        seen_long.add(each)
        common += each in seen_short
        if depth <= len(short):
            seen_short.add(short[depth - 1])
            common += short[depth - 1] in seen_long
            common_at_short = common
        # Below the end of the short list, it is taken to go on agreeing as it did.
        unseen = common_at_short * max(0, depth - len(short)) / len(short)
        total += weight * (common + unseen) / depth
    rest = weight * ((common - common_at_short) / len(long) + common_at_short / len(short))
    return min(1.0, total * (1 - p) / p + rest)


def _unique(ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ids))

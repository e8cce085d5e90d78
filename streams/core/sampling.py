"""A random sample of ids that depends on nothing but the ids and a seed.

Each id is hashed with the seed, and those with the smallest hashes are the sample: uniform over
the ids, the same in whatever order and pages they come, and of bounded memory (bottom-k
sampling; Cohen and Kaplan, Summarizing Data using Bottom-k Sketches, PODC 2007).
"""

import hashlib
from collections.abc import Iterable, Mapping
from heapq import nsmallest

__all__ = ["Sampled", "smallest"]

Sampled = Mapping[str, int]
"""Id → its hash; in rising order of the hashes."""


def smallest(kept: Sampled, ids: Iterable[str], size: int, seed: int) -> Sampled:
    """The sample of `size` ids of those kept so far and more ids."""
    salt = seed.to_bytes(8, signed=True)
    found = dict(kept)
    for each in ids:
        digest = hashlib.blake2b(each.encode(), digest_size=8, salt=salt).digest()
        found[each] = int.from_bytes(digest)
    return {each: found[each] for each in nsmallest(size, found, key=found.__getitem__)}

"""Hotswap inside an application's own process: search, feedback and the flag, without HTTP.

The same objects answer as in `hotswap serve`. `streams.client.openfeature` gives the flag alone
to code that asks OpenFeature for it.
"""

from streams.client.asynchronous import AsyncHotswap
from streams.client.blocking import Hotswap
from streams.client.misuse import Misused
from streams.services.serving.failures import ExpiredQuery, NotReady, Unanswered, UnknownQuery

__all__ = [
    "AsyncHotswap",
    "ExpiredQuery",
    "Hotswap",
    "Misused",
    "NotReady",
    "Unanswered",
    "UnknownQuery",
]

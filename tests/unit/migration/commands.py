"""Commands as Hypothesis makes them up: mostly plausible, sometimes wild.

Fields that depend on where the record will stand are given relative to it and made absolute by
`written`: `as_of` counts back from the record before, `expected_version` from the version there,
`expires_at` from the time.
"""

import json
from typing import Any

from hypothesis import strategies as st

from schemas import Canary

LANES = ("cloud", "ollama", "third")
STAGES = ("off", "dualwrite", "shadow", "live", "rampdown", "complete")

lane = st.sampled_from((*LANES, "nobody"))
build = st.integers(1, 3)
percent = st.sampled_from([0, 5, 10, 50, 100, 5.5, 99.999]) | st.floats(0, 100)
cohorts = st.lists(st.sampled_from(["staff", "friends", "é"]), max_size=2)
fingerprint = st.fixed_dictionaries(
    {
        "provider": st.just("memory"),
        "model": st.sampled_from(["a", "b"]),
        "dimensions": st.just(8),
    }
)
canaries = st.lists(
    # Nine are not what the fingerprint says.
    st.sampled_from([8, 8, 8, 9]).map(lambda count: Canary.of("t", [1.0] * count).model_dump()),
    max_size=2,
)
policy = st.fixed_dictionaries(
    {},
    optional={
        "evidence_seconds": st.integers(1, 1_000),
        "health_seconds": st.integers(1, 1_000),
        "health_samples": st.integers(1, 50),
        "full_hold_seconds": st.integers(0, 100),
        "safety_seconds": st.integers(0, 100),
        "retire_hold_seconds": st.integers(0, 100),
    },
)


def _kind(kind: str, optional: dict[str, Any] | None = None, **fields: Any) -> Any:
    given: dict[str, Any] = {"kind": st.just(kind)}
    for name, field in fields.items():
        given[name] = st.just(field) if isinstance(field, str) else field
    return st.fixed_dictionaries(given, optional=optional or {})


def _evidence(kind: str, verdicts: tuple[str, ...], **fields: Any) -> Any:
    back = st.just(0) | st.integers(-1, 8)
    return _kind(kind, verdict=st.sampled_from(verdicts), back=back, **fields)


_PLAIN = {
    "stage": _kind("stage", to=st.sampled_from(STAGES)),
    "ramp": _kind("ramp", {"percent": percent, "cohorts": cohorts}),
    "flag": _kind("flag", value=st.booleans() | percent),
    "rollback": _kind("rollback", {"to": st.sampled_from(STAGES[:3])}),
    "pause": _kind("pause", lane=lane),
    "resume": _kind("resume", lane=lane),
    "throttle": _kind("throttle", lane=lane, documents_per_second=st.none() | st.floats(1, 9)),
    "start": _kind(
        "build",
        {"canaries": canaries},
        action="start",
        lane=lane,
        build=build,
        collection="c",
        fingerprint=fingerprint,
        documents_partitions=st.just(12),
    ),
    "promote": _kind("build", action="promote", lane=lane, build=build),
    "drop": _kind("build", action="drop", lane=lane, build=build),
    "autopilot": _kind("autopilot", on=st.booleans()),
    "reopen": _kind("reopen"),
    "retire": _kind("retire", lane=lane),
    "migration": _kind(
        "migration",
        {"policy": policy},
        source=lane,
        target=lane,
        salt=st.sampled_from(["salt", "pepper"]),
    ),
    "truncate": _kind("truncate", source=st.sampled_from("ab"), position=st.sampled_from("123")),
    "preflight": _evidence("preflight", ("pass", "warn", "fail")),
    "verify": _evidence(
        "verify",
        ("clean", "clean", "different", "inconclusive"),
        lane=lane,
        build=build,
        documents=st.just(3),
        rows=st.just(3),
    ),
    "gate": _evidence("gate", ("successful", "failed", "inconclusive")),
    "health": _evidence(
        "health", ("healthy", "unhealthy", "inconclusive"), samples=st.integers(0, 200)
    ),
}

KINDS = tuple(_PLAIN)

_ABOUT = st.fixed_dictionaries(
    {},
    optional={
        "force": st.booleans(),
        "reason": st.sampled_from(["", " ", "because"]),
        "expected": st.integers(-1, 1),
        "expires_in_ms": st.integers(-2_000, 2_000),
    },
)
_WILD = st.dictionaries(
    st.sampled_from(
        ["kind", "id", "by", "to", "lane", "percent", "value", "as_of", "junk", "force"]
    ),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    max_size=2,
)

commands = st.builds(
    lambda plain, about, wild: {**plain, **about, **wild},
    st.one_of(*_PLAIN.values()),
    st.just({}) | st.just({"force": True, "reason": "because"}) | _ABOUT,
    st.just({}) | st.just({}) | st.just({}) | _WILD,
)


def written(command: dict[str, Any], offset: int, version: int, now: int) -> bytes:
    """The record that this command is at this place of the log."""
    fields = {"id": f"id-{offset}", "by": "law", **command}
    if "back" in fields:
        as_of = max(-1, offset - 1 - fields.pop("back"))
        fields.setdefault("as_of", as_of)
    if "expected" in fields:
        fields["expected_version"] = version + fields.pop("expected")
    if "expires_in_ms" in fields:
        fields["expires_at"] = now + fields.pop("expires_in_ms")
    return json.dumps(fields).encode()

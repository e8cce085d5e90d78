"""The parts of the page `ops/migration-states.md` that no table can tell."""

from collections.abc import Mapping

from streams.migration.verdicts import Rejection

__all__ = ["BY_HAND", "HEAD", "REJECTIONS", "RULES", "SIGNING"]

HEAD = """# The migration: stages, orders, guards
Printed by `python -m streams.migration.document` from the code that decides. How to walk a
migration with the commands of `hotswap` stands in [operating.md](operating.md).

**Something is wrong right now?** `hotswap rollback` puts all reads back on the source lane. It
needs no evidence and goes through in `dualwrite`, `shadow`, `live` and `rampdown`; only in
`complete` the source has to be [reopened](#in-complete) first. Without `hotswap`, append this to
the topic `control`, with an `id` that was never used:
```json
{"kind": "rollback", "id": "rollback-1", "by": "ann"}
```
"""

REJECTIONS: Mapping[Rejection, str] = {
    Rejection.UNREADABLE: "it is not JSON, a field is missing, unknown or wrong, or its"
    " `schema_version` is not known here",
    Rejection.TOO_LARGE: "it is larger than 262,144 bytes",
    Rejection.SIGNATURE: "a control key is configured, and it is not signed with it",
    Rejection.DUPLICATE: "a record with its `id` was read before, whatever became of that one",
    Rejection.EXPIRED: "the broker got it after its `expires_at`",
    Rejection.STALE: "its `expected_version` is not the version that it met: somebody was faster",
    Rejection.NO_REASON: "`force` without a `reason`",
    Rejection.UNKNOWN_LANE: "no build of its lane was ever started",
    Rejection.UNDEFINED: "no migration is defined: `hotswap init` defines it",
    Rejection.FORBIDDEN: "it is never possible in this stage, see above; or its build, its lane or"
    " what it claims to know can not be",
}

RULES = """## Versions, ids, time
- The **version** of the state is the offset of the newest order that changed something. Evidence,
  and orders that were held or rejected, leave it as it is. An order with `expected_version` goes
  through only if that is still the version; so of two operators who look at the same state and
  send at once, one wins and the other is told. A rollback is best sent without.
- An **id** is any text of 1 … 200 characters that no record before had; `uuidgen` prints one. A
  record that is sent twice counts once.
- **Time** is the broker's, as it stands on each record, and never goes back: no process asks its
  own clock. `expires_at` is milliseconds since the epoch, or ISO 8601 with an offset from UTC.
  Evidence is as old as its record. Holds run from the record that began them.
- **Evidence** says in `as_of` which control record its collector had seen last. What it says of
  writes, of a build or of a ramp counts only if these are older than that. Of two records of one
  sort, the one that looked later counts.
- The **ramp** begins at 0 % whenever reads come from the source. In `live` each lane stands in for
  the other, so both have to be fully written, and neither is paused without `force`.
- After **retire** there is no way back; the next migration begins at the lane that is read.
- A lane that is switched off (the target in `off`, the source in `complete`) has to be verified
  anew after it is switched on again.
- A **build's number** is never used again. The first build of a lane serves at once; another one
  serves once it is promoted. One that has served before is promoted again without new evidence, as
  long as it is written and its newest verify found no differences.
- What a **build begins with** is pinned for its life: collection, fingerprint, partitions, and in
  `canaries` what its model made of some short texts (base64 of 16-bit floating point numbers). A
  record without them counts, too.
- The **salt** changes only with a new definition of the migration, which is taken in `off`, and
  after `retire` from the lane that is read then.
"""

BY_HAND = """## By hand
The value of a control record is one JSON object, its key the kind:
```sh
echo '{"kind": "rollback", "id": "'$(uuidgen)'", "by": "'$USER'"}' |
  kcat -P -b 127.0.0.1:9092 -t control -k rollback
```
What became of it says `hotswap history`. Fields that nobody knows are refused, not ignored. A
`reason` may stand in every order. Behind each example stands a stage in which it goes through.
"""

SIGNING = """## Signing
With a control key configured, every record has to carry `signature`: HMAC-SHA256, in lower-case
hex, over the record's canonical form. That is the JSON object without `signature`, keys sorted, no
white space, UTF-8 with nothing escaped that need not be. `jq` prints it:
```sh
order='{"kind": "rollback", "id": "by-hand-1", "by": "ann"}'
signature=$(printf %s "$order" | jq -cSj 'del(.signature)' |
  openssl dgst -sha256 -hmac "$(cat control.key)" | sed 's/.*= *//')
printf %s "$order" | jq -c --arg signature "$signature" '. + {signature: $signature}'
```
In Python it is `json.dumps(order, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`.
- **Write numbers plainly**: `10` or `12.5`. `10.0`, `1e3` and fractions below 0.0001 are signed as
  Python prints them (`10.0`, `1000.0`, `1e-05`), which other programs may not.
- Order of the fields, white space and escapes do not matter; every value does.
- A record that was signed once can not be sent again: its `id` is taken. Give orders that may lie
  about for a while an `expires_at`.
- **To replace a key**, configure the new one as `control.key` and the old one as
  `control.previous_key` everywhere; both are accepted, the new one signs. Once every process has
  the new one, move the old one to `control.retired_keys` with `before`, the offset up to which
  it counts (`hotswap history` shows offsets). History is read with the same keys: take a key away
  altogether, and all that it signed is rejected, today's state included.
- **If a key has leaked**, retire it with the offset before the first record that was not yours.
- **To begin with signatures** on a log that was begun without, set `control.signed_from` to the
  offset of the next record; what stands before it needs none."""

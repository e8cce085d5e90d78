"""With a control key, only what was signed with it is obeyed, and only once."""

import json
import random
from typing import Any

import pytest

from streams.migration.fold import Fold, Folded
from streams.migration.signing import RetiredKey, is_signed
from streams.migration.verdicts import Accepted, Held, Rejected, Rejection, Unchanged
from tests.unit.migration.by_hand import KEY, OLD, STRANGE, by_hand
from tests.unit.migration.log import START, Log, record, walked


class SignedLog(Log):
    """Signs what it appends as an order, by hand."""

    def __init__(self, key: bytes = KEY, *, fold: Fold | None = None) -> None:
        super().__init__()
        self.key = key
        self.fold = Fold([KEY]) if fold is None else fold

    def order(self, kind: str, **fields: Any) -> Folded:
        unsigned = {"kind": kind, "id": f"id-{len(self.records)}", "by": "desk", **fields}
        return self.append(by_hand(unsigned, self.key))


def signed_walk(fold: Fold | None = None) -> SignedLog:
    log = SignedLog(fold=fold)
    log.start("cloud")
    log.start("ollama")
    log.define()
    log.accept("stage", to="dualwrite", force=True, reason="test")
    return log


def command(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"kind": "stage", "to": "off", "id": f"new-{number}", "by": "mallory", **fields}


def rejection(folded) -> Rejection | None:
    return folded.verdict.rejection if isinstance(folded.verdict, Rejected) else None


def test_ten_thousand_forged_altered_replayed_unsigned_and_expired_commands_change_nothing():
    chance = random.Random(20_261_123)
    log = signed_walk()
    before = log.state
    known = [one.value for one in log.records]
    good = [by_hand(command(number, to="dualwrite"), KEY) for number in range(50)]
    outcomes = {"forged": 0, "unsigned": 0, "altered": 0, "replayed": 0, "expired": 0}
    for number in range(10_000):
        trick = list(outcomes)[number % 5]
        if trick == "forged":
            value = by_hand(command(number), chance.randbytes(32))
        elif trick == "unsigned":
            odd: dict[str, Any] = chance.choice(
                [{}, {"signature": None}, {"signature": ""}, {"signature": "é" * 64}]
            )
            value = json.dumps(command(number, **odd)).encode()
        elif trick == "altered":
            value = _altered(chance, chance.choice(good))
        elif trick == "replayed":
            value = chance.choice(known) or b""
        else:
            late = chance.randrange(0, log.fold.time)
            value = by_hand(command(number, expires_at=late), KEY)
        folded = log.append(value)
        assert isinstance(folded.verdict, Rejected), (trick, value)
        expected = {
            "replayed": {Rejection.DUPLICATE},
            "expired": {Rejection.EXPIRED},
            "altered": {Rejection.SIGNATURE, Rejection.UNREADABLE},
        }.get(trick, {Rejection.SIGNATURE})
        assert folded.verdict.rejection in expected
        outcomes[trick] += 1
        assert log.state == before
    assert set(outcomes.values()) == {2_000}
    assert isinstance(log.append(by_hand(command(1), KEY)).verdict, Accepted)


def _altered(chance: random.Random, value: bytes) -> bytes:
    """Another meaning under the same signature, or the same meaning under another signature."""
    fields = json.loads(value)
    name = chance.choice([*fields, "reason", "force", "expected_version"])
    fields[name] = {
        "kind": "reopen",
        "to": chance.choice(["off", "shadow", "live"]),
        "force": True,
        "expected_version": 3,
        "signature": fields["signature"][:-1] + ("0" if fields["signature"][-1] != "0" else "1"),
    }.get(name, f"other {chance.random()}")
    return json.dumps(fields).encode()


def test_no_single_byte_of_a_signed_record_can_be_changed():
    log = signed_walk()
    before = log.state
    value = by_hand(command(reason="wéll", expected_version=log.state.version, force=True), KEY)
    meaning = json.loads(value)
    for place in range(len(value)):
        for flip in (1, 2, 32, 128):
            changed = bytearray(value)
            changed[place] ^= flip
            try:
                same = json.loads(bytes(changed)) == meaning
            except ValueError:
                same = False
            if same:  # white space for white space, or an escape in capitals
                assert is_signed(bytes(changed), [KEY])
                continue
            copy = log.fold.copy()
            folded = copy.take(record(copy.offset + 1, START, bytes(changed)))
            assert rejection(folded) in {Rejection.SIGNATURE, Rejection.UNREADABLE}, changed
            assert copy.state == before
    assert isinstance(log.append(value).verdict, Accepted)


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_name_that_stands_twice_is_folded_as_it_was_verified(place):
    """Otherwise one reader would check what another does not obey."""
    value = by_hand(command(to="dualwrite"), KEY)
    extra = b'"to":"off"'
    twice = (
        b"{" + extra + b"," + value[1:] if place == "before" else value[:-1] + b"," + extra + b"}"
    )
    log = signed_walk()
    folded = log.append(twice)
    if place == "before":
        assert isinstance(folded.verdict, Unchanged)  # the last one counts, and that was signed
    else:
        assert rejection(folded) is Rejection.SIGNATURE


def test_an_id_that_was_burnt_by_a_forger_is_still_free():
    log = signed_walk()
    assert rejection(log.append(json.dumps(command()).encode())) is Rejection.SIGNATURE
    assert isinstance(log.append(by_hand(command(), KEY)).verdict, Accepted)


def test_evidence_and_rollbacks_need_a_signature_too():
    log = signed_walk()
    for fields in (
        {"kind": "rollback", "to": "off"},
        {"kind": "gate", "verdict": "successful", "as_of": 0},
        {"kind": "truncate", "source": "s", "position": "1"},
    ):
        value = json.dumps({"id": "x", "by": "mallory", **fields}).encode()
        assert rejection(log.append(value)) is Rejection.SIGNATURE


def test_a_signature_that_is_missing_is_told_from_one_that_is_wrong():
    log = signed_walk()
    unsigned = log.append(json.dumps(command()).encode()).verdict
    wrong = log.append(by_hand(command(), STRANGE)).verdict
    assert isinstance(unsigned, Rejected)
    assert isinstance(wrong, Rejected)
    assert unsigned.why == "is not signed"
    assert wrong.why == "its signature is not valid"


def test_without_a_key_a_signature_is_not_looked_at():
    log = walked("dualwrite")
    assert isinstance(log.append(by_hand(command(), STRANGE)).verdict, Accepted)


# Keys come and go


def test_two_keys_are_valid_while_one_replaces_the_other():
    log = signed_walk(Fold([KEY, OLD]))
    for number, key in enumerate((OLD, KEY)):
        value = by_hand(command(number, to=("shadow", "off")[number]), key)
        assert isinstance(log.append(value).verdict, Accepted | Held)
    assert rejection(log.append(by_hand(command(9), STRANGE))) is Rejection.SIGNATURE


def test_a_key_that_is_taken_away_ends_the_validity_of_all_that_it_signed():
    log = SignedLog(OLD, fold=Fold([KEY, OLD]))
    log.start("cloud")
    after = Fold([KEY])
    assert rejection(after.take(log.records[0])) is Rejection.SIGNATURE
    assert not after.state.lanes


def test_a_retired_key_keeps_what_it_signed_and_signs_nothing_more():
    log = SignedLog(OLD, fold=Fold([OLD]))
    log.start("cloud")
    log.start("ollama")
    log.define()
    retired = RetiredKey(OLD, before=len(log.records))

    restarted = Fold([KEY], retired=[retired])
    for one in log.records:
        restarted.take(one)
    assert restarted.state == log.state

    stolen = record(len(log.records), START, by_hand(command(0), OLD))
    assert rejection(restarted.copy().take(stolen)) is Rejection.SIGNATURE
    new = record(len(log.records), START, by_hand(command(0, to="dualwrite"), KEY))
    assert isinstance(restarted.copy().take(new).verdict, Held)


def test_a_log_that_began_without_signatures_goes_on_with_them():
    log = walked("dualwrite")
    begun = len(log.records)
    signed = Fold([KEY], signed_from=begun)
    for one in log.records:
        signed.take(one)
    assert signed.state == log.state
    unsigned = record(begun, log.now, json.dumps(command()).encode())
    assert rejection(signed.copy().take(unsigned)) is Rejection.SIGNATURE
    good = record(begun, log.now, by_hand(command(), KEY))
    assert isinstance(signed.copy().take(good).verdict, Accepted)

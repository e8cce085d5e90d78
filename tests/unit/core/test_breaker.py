"""A breaker opens for good reasons only, lets one probe through at a time, and always again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.core.breaker import CLOSED, Phase, Rules, failed, phase, probe_began, succeeded

RULES = Rules(failures=3, cool_down=5.0)


class AnyBreaker(RuleBasedStateMachine):
    """Requests and probes in any order, at any times, against what a breaker promises."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CLOSED
        self.now = 0.0
        self.errors_in_a_row = 0
        self.probes_under_way = 0
        self.probe_failed_at: float | None = None

    @rule(seconds=st.floats(0, 20))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def a_request_is_answered(self):
        self.breaker = succeeded(self.breaker)
        self.errors_in_a_row = 0
        assert phase(self.breaker, self.now) is Phase.CLOSED

    @rule(late=st.booleans())
    def a_request_fails(self, late):
        before = phase(self.breaker, self.now)
        self.breaker = failed(self.breaker, RULES, self.now, late=late)
        if before is Phase.CLOSED:
            self.errors_in_a_row += 1
            enough = late or self.errors_in_a_row >= RULES.failures
            assert (phase(self.breaker, self.now) is not Phase.CLOSED) == enough
            if enough:
                self.errors_in_a_row = 0
        else:
            assert phase(self.breaker, self.now) is before

    @precondition(lambda self: phase(self.breaker, self.now) is Phase.HALF_OPEN)
    @rule()
    def a_probe_begins(self):
        self.breaker = probe_began(self.breaker, self.now)
        self.probes_under_way += 1
        with pytest.raises(ValueError, match="no probe"):
            probe_began(self.breaker, self.now)

    @precondition(lambda self: self.probes_under_way)
    @rule(answers=st.booleans())
    def a_probe_ends(self, answers):
        self.probes_under_way -= 1
        if answers:
            self.breaker = succeeded(self.breaker, probe=True)
            self.errors_in_a_row = 0
            return
        was_closed = phase(self.breaker, self.now) is Phase.CLOSED
        self.breaker = failed(self.breaker, RULES, self.now, probe=True)
        if was_closed:  # a request closed it meanwhile
            self.errors_in_a_row += 1
            if self.errors_in_a_row >= RULES.failures:
                self.errors_in_a_row = 0
        else:
            assert phase(self.breaker, self.now) is Phase.OPEN

    @invariant()
    def there_is_never_more_than_one_probe(self):
        assert self.probes_under_way <= 1

    @invariant()
    def it_is_closed_or_a_probe_is_under_way_or_comes_within_a_cool_down(self):
        later = phase(self.breaker, self.now + RULES.cool_down)
        assert later in (Phase.CLOSED, Phase.HALF_OPEN) or self.probes_under_way == 1


TestAnyBreaker = AnyBreaker.TestCase


@given(st.integers(1, 10))
def test_it_opens_after_so_many_errors_in_a_row_and_not_before(failures):
    rules, breaker = Rules(failures, 5.0), CLOSED
    for _ in range(failures - 1):
        breaker = failed(breaker, rules, 0.0)
        assert phase(breaker, 0.0) is Phase.CLOSED
    assert phase(failed(breaker, rules, 0.0), 0.0) is Phase.HALF_OPEN


def test_an_answer_in_between_starts_the_count_again():
    breaker = failed(failed(CLOSED, RULES, 0.0), RULES, 0.0)
    breaker = failed(succeeded(breaker), RULES, 0.0)
    assert phase(breaker, 0.0) is Phase.CLOSED


def test_one_deadline_that_passed_is_enough():
    assert phase(failed(CLOSED, RULES, 0.0, late=True), 0.0) is not Phase.CLOSED


def test_the_first_probe_may_begin_at_once_and_the_next_after_the_cool_down():
    breaker = failed(CLOSED, RULES, 10.0, late=True)
    breaker = failed(probe_began(breaker, 10.0), RULES, 11.0, probe=True)
    assert phase(breaker, 15.9) is Phase.OPEN
    assert phase(breaker, 16.0) is Phase.HALF_OPEN


def test_requests_that_fail_while_it_is_open_do_not_put_the_probe_off():
    breaker = failed(CLOSED, RULES, 10.0, late=True)
    assert phase(failed(breaker, RULES, 12.0, late=True), 12.0) is Phase.HALF_OPEN

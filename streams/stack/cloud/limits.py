"""A budget per minute that refills steadily (a token bucket). Time is given, never asked."""

from dataclasses import dataclass

__all__ = ["Budget"]


@dataclass(slots=True)
class Budget:
    """So much per minute, of which `burst_seconds`' worth may be spent at once.

    Full at first. Times are in seconds, of any clock that does not run backwards.
    """

    per_minute: float
    burst_seconds: float
    _spent: float = 0.0
    _at: float = 0.0

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be spent; 0 if it can be now; inf if it never can."""
        most = self.per_minute * (self.burst_seconds / 60)
        if amount > most:
            return float("inf")
        self._refill(now)
        return max(0.0, (self._spent + amount - most) * 60 / self.per_minute)

    def spend(self, amount: float, now: float) -> None:
        """Take `amount`, which `wait` allowed."""
        self._refill(now)
        self._spent += amount

    def _refill(self, now: float) -> None:
        self._spent = max(0.0, self._spent - (now - self._at) * self.per_minute / 60)
        self._at = now

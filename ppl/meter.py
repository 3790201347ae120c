"""What a run spends, and the budget that it may not exceed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .errors import BudgetExhausted


@dataclass(frozen=True)
class Budget:
    """Limits of a run; None is no limit. They are checked before every round, so they are never exceeded.

    tokens: language-model tokens drawn or scored. calls: batched language-model calls. rewards: reward evaluations.
    seconds: wall-clock time (checked between rounds: a round that has begun is finished).
    """

    tokens: int | None = None
    calls: int | None = None
    rewards: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("tokens", "calls", "rewards", "seconds"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise ValueError(f"Budget({name}={limit!r}): a limit is a positive number, or None for no limit")


@dataclass
class Meter:
    """The ledger of one run."""

    budget: Budget = field(default_factory=Budget)
    tokens: int = 0
    calls: int = 0
    rewards: int = 0
    rounds: int = 0
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def check(self, tokens: int, calls: int, rewards: int) -> None:
        """Raise BudgetExhausted if the next round, which costs this much, would exceed the budget."""
        b = self.budget
        for name, limit, spent, more in (
            ("tokens", b.tokens, self.tokens, tokens),
            ("calls", b.calls, self.calls, calls),
            ("rewards", b.rewards, self.rewards, rewards),
        ):
            if limit is not None and spent + more > limit:
                raise BudgetExhausted(f"the next round needs {more} {name}, {limit - spent} of {limit} are left")
        if b.seconds is not None and self.seconds > b.seconds:
            raise BudgetExhausted(f"{b.seconds:g} seconds are over")

    def charge(self, tokens: int = 0, calls: int = 0, rewards: int = 0, rounds: int = 0) -> None:
        self.tokens += tokens
        self.calls += calls
        self.rewards += rewards
        self.rounds += rounds

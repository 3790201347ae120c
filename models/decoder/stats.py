"""Counters of one decoder: what was asked, what was computed, what was wasted."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Stats:
    """Everything since the last `reset`; `banks`, `slots`, `capacity` and `bytes` are the present size."""

    forwards: int = 0  # forward passes
    positions: int = 0  # token positions that had to be computed
    padded: int = 0  # token positions computed beside them, because shapes come in buckets
    draws: int = 0  # tokens drawn
    moves: int = 0  # slots copied because contexts forked
    resizes: int = 0  # caches grown, compacted or deepened
    compiles: int = 0  # distinct shapes of compiled programs
    hits: int = 0  # questions answered by the log-probability cache
    readbacks: int = 0  # transfers from device to host
    banks: int = 0  # prompts with a cache of their own
    slots: int = 0  # contexts these can hold
    capacity: int = 0  # token positions these can hold
    bytes: int = 0  # of device memory that they count for, on each device
    rounds: int = 0  # times that a batch was cut because memory had no room for all of it

    def reset(self) -> None:
        """Back to zero; sizes stay."""
        for f in fields(self):
            if f.name not in ("banks", "slots", "capacity", "bytes"):
                setattr(self, f.name, 0)

"""Which slot of a cache holds which context: pure host logic, no device.

A slot holds the keys and values of one context; its first `base` positions are those of the shared trunk, the others
are its own. A batch of wanted contexts becomes a `Plan`: slots to copy, then the position from which to feed each
context.

- a context held exactly costs nothing; one whose parent is held is extended in place, and its siblings copy the parent;
- otherwise the longest held prefix is used: in place if nothing is lost, else copied into the least recently used slot.

Copies are made one after the other, in the order of the plan, before anything is fed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Prefix = tuple[int, ...]
Tokens = NDArray[np.int32]

NOWHERE = -1
RECENT = 4  # calls for which a context counts as live


@dataclass(slots=True)
class Plan:
    """What to do for a batch; `slot`, `start` and `base` have one entry for each wanted context."""

    slot: list[int]
    start: list[int]  # position of the text from which to feed; len(context) when its logits are already there
    base: list[int]  # trunk positions the slot shares
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)


def common(a: Tokens, b: Tokens) -> int:
    """Length of the longest common prefix."""
    n = min(len(a), len(b))
    differ = np.flatnonzero(a[:n] != b[:n])
    return int(differ[0]) if len(differ) else n


def common_prefix(prefixes: Sequence[Prefix]) -> Prefix:
    """The longest common prefix of all: that of the extremes in lexicographic order."""
    low, high = min(prefixes), max(prefixes)
    n = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:n]


class SlotTable:
    """The slots of one cache and the trunk they share."""

    def __init__(self, size: int, trunk: Prefix = ()) -> None:
        self.size = size
        self.trunk = trunk
        self.clock = 0
        self.exact: dict[Prefix, int] = {}
        self.held: list[Prefix | None] = [None] * size
        self.base = [0] * size
        self.used = [0] * size
        self.thrashing = False  # a context was wanted again soon after its eviction: more slots would help
        self._evicted: dict[Prefix, None] = {}
        self._trunk = np.array(trunk, np.int32)
        self._rows: list[Tokens | None] = [None] * size

    def start(self, prefix: Prefix) -> None:
        """Slot 0 holds the trunk's own logits, and no positions of its own."""
        self.held[0], self.base[0], self.exact[prefix] = prefix, len(prefix), 0

    def find(self, prefix: Prefix) -> tuple[int, int] | None:
        """(slot, positions held) if this context or its parent is held exactly: two dictionary look-ups."""
        slot = self.exact.get(prefix)
        if slot is not None:
            return slot, len(prefix)
        slot = self.exact.get(prefix[:-1])
        return None if slot is None else (slot, len(prefix) - 1)

    def longest(self, prefix: Prefix) -> tuple[int, int]:
        """(slot, positions) of the longest held prefix; slot NOWHERE when the trunk alone reaches as far."""
        if prefix[:-1] in self._evicted:
            self.thrashing = True
        row = np.array(prefix, np.int32)
        best, reach = NOWHERE, common(row, self._trunk)
        for slot, held in enumerate(self.held):
            if held is not None and len(held) > reach and held[reach] == prefix[min(reach, len(prefix) - 1)]:
                n = common(row, self._row(slot, held))
                if n > reach:
                    best, reach = slot, n
        return best, reach

    def plan(self, wanted: Sequence[Prefix], found: Sequence[tuple[int, int]], first: Sequence[int] | None) -> Plan:
        """Place distinct contexts, at most `size` of them.

        `found` comes from `find` or `longest`. `first[i]` is the earliest position whose logits are needed (that of the
        last token when None); the feed starts there at the latest.
        """
        self.clock += 1
        n = len(wanted)
        plan = Plan([NOWHERE] * n, [0] * n, [0] * n)
        claimed = [False] * self.size
        waiting: list[int] = []
        for i, (slot, reach) in enumerate(found):
            if slot != NOWHERE and reach == len(wanted[i]) == len(self.held[slot] or ()):
                claimed[slot] = True
                need = reach if first is None else first[i]
                base = min(self.base[slot], need)
                plan.slot[i], plan.start[i], plan.base[i] = slot, need, base
            else:
                waiting.append(i)
        forks: list[int] = []
        for i in waiting:
            slot, reach = found[i]
            reach = min(reach, len(wanted[i]) - 1 if first is None else first[i])
            base = reach if slot == NOWHERE else min(self.base[slot], reach)
            plan.start[i], plan.base[i] = reach, base
            held = None if slot == NOWHERE else self.held[slot]
            if held is not None and not claimed[slot] and len(held) == reach:
                claimed[slot] = True
                plan.slot[i] = slot
            else:
                forks.append(i)
        if forks:
            self._place(forks, found, plan, claimed)
            for i in forks:
                self._evict(plan.slot[i])
        for slot, base, prefix in zip(plan.slot, plan.base, wanted, strict=True):
            self.used[slot], self.base[slot] = self.clock, base
            old = self.held[slot]
            if old is not prefix:
                if old is not None:
                    self.exact.pop(old, None)
                self.held[slot], self._rows[slot] = prefix, None
                self.exact[prefix] = slot
        return plan

    def _place(self, forks: list[int], found: Sequence[tuple[int, int]], plan: Plan, claimed: list[bool]) -> None:
        """Give each fork the least recently used slot that nobody claimed, preferably none that others copy from; copy
        what it shares with its source. If the source was overwritten by an earlier copy after all, feed it again.
        """
        sources = {found[i][0] for i in forks}
        free = [s for s in range(self.size) if not claimed[s]]
        free.sort(key=lambda s: (s in sources, self.used[s]))
        written: set[int] = set()
        for i, slot in zip(forks, free, strict=False):
            source = found[i][0]
            plan.slot[i] = slot
            if source in written:
                plan.start[i] = plan.base[i]
            elif source not in (NOWHERE, slot) and plan.start[i] > plan.base[i]:
                plan.sources.append(source)
                plan.targets.append(slot)
                written.add(slot)

    def _evict(self, slot: int) -> None:
        """Forget the context of a slot; remember for a while that it was here, to notice when it is missed."""
        old, self.held[slot] = self.held[slot], None
        if old is not None:
            del self.exact[old]
            self._evicted[old] = None
            while len(self._evicted) > self.size:
                del self._evicted[next(iter(self._evicted))]

    def _row(self, slot: int, held: Prefix) -> Tokens:
        row = self._rows[slot]
        if row is None:
            row = self._rows[slot] = np.array(held, np.int32)
        return row

    def live(self) -> list[int]:
        """Slots used by one of the last few batches, most recent first."""
        recent = [s for s in range(self.size) if self.held[s] is not None and self.used[s] > self.clock - RECENT]
        return sorted(recent, key=lambda s: -self.used[s])

    def recent(self, depth: int) -> list[int]:
        """Slots whose context has at most `depth` positions of its own, most recently used first."""
        short = [s for s, h in enumerate(self.held) if h is not None and len(h) - self.base[s] <= depth]
        return sorted(short, key=lambda s: -self.used[s])

    def keep(self, slots: Sequence[int], size: int) -> None:
        """Renumber: new slot i holds what `slots[i]` held; the rest, up to `size`, is empty."""
        spare = size - len(slots)
        self.held = [self.held[s] for s in slots] + [None] * spare
        self.base = [self.base[s] for s in slots] + [0] * spare
        self.used = [self.used[s] for s in slots] + [0] * spare
        self._rows = [self._rows[s] for s in slots] + [None] * spare
        self.exact = {h: s for s, h in enumerate(self.held) if h is not None}
        self.size, self.thrashing = size, False

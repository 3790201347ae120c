"""The slot table: pure bookkeeping, checked against a simulated cache that stores tokens for keys and values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.models.decoder.slots import NOWHERE, Prefix, SlotTable, common_prefix


class Simulated:
    """A cache of tokens, moved and fed as a plan says; after each batch each slot must spell its context."""

    def __init__(self, size: int, trunk: Prefix = ()) -> None:
        self.table = SlotTable(size, trunk)
        self.cells: list[list[int]] = [[] for _ in range(size)]
        self.fed = 0

    def ask(self, wanted: list[Prefix], first: list[int] | None = None) -> None:
        table = self.table
        found = [table.find(w) or table.longest(w) for w in wanted]
        plan = table.plan(wanted, found, first)
        assert len(set(plan.slot)) == len(wanted) and NOWHERE not in plan.slot
        for s, t in zip(plan.sources, plan.targets, strict=True):
            self.cells[t] = list(self.cells[s])
        for i, w in enumerate(wanted):
            slot, start, base = plan.slot[i], plan.start[i], plan.base[i]
            assert base <= start and w[:base] == table.trunk[:base]
            if first is not None:
                assert start <= first[i]
            own = self.cells[slot][: start - base]
            assert tuple(own) == w[base:start], "a slot was overwritten, or copied from the wrong one"
            self.cells[slot] = own + list(w[start:])
            self.fed += len(w) - start
        for prefix, slot in table.exact.items():
            assert table.held[slot] == prefix
            assert tuple(self.cells[slot][: len(prefix) - table.base[slot]]) == prefix[table.base[slot] :]


prefixes = st.lists(st.integers(0, 2), min_size=1, max_size=7).map(tuple)
batches = st.lists(st.lists(prefixes, min_size=1, max_size=4, unique=True), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(batches, st.lists(st.integers(0, 2), max_size=4).map(tuple), st.integers(4, 6))
def test_slots_hold_what_they_claim(batches: list[list[Prefix]], trunk: Prefix, size: int) -> None:
    """Law: after any sequence of batches each slot holds exactly the context the table says, eviction included."""
    simulated = Simulated(size, trunk)
    for k, batch in enumerate(batches):
        simulated.ask(batch, [len(w) // 2 for w in batch] if k % 3 == 2 else None)


def test_extension_in_place() -> None:
    """Law: a step of a population costs one token each and no copy."""
    s = Simulated(4)
    s.ask([(1, 2), (1, 3)])
    s.fed = 0
    s.ask([(1, 2, 5), (1, 3, 5)])
    assert s.fed == 2


def test_forks_copy_only_the_extra_children() -> None:
    """Law: of the children of one parent the first keeps its slot, the others are copied."""
    table = SlotTable(4)
    table.plan([(1, 2)], [(NOWHERE, 0)], None)
    children: list[Prefix] = [(1, 2, 3), (1, 2, 4), (1, 2, 5)]
    plan = table.plan(children, [f for c in children if (f := table.find(c))], None)
    assert plan.slot[0] == 0 and plan.sources == [0, 0] and plan.start == [2, 2, 2]


def test_parent_wanted_beside_its_child() -> None:
    """Law: a context that is itself asked for is never extended in place."""
    s = Simulated(4)
    s.ask([(1, 2)])
    s.ask([(1, 2, 3), (1, 2)])
    assert set(s.table.exact) == {(1, 2), (1, 2, 3)}


def test_going_back_costs_the_suffix_only() -> None:
    """Law: a proposal that keeps a prefix of a held text is fed from the cut on, and the text survives."""
    s = Simulated(4)
    s.ask([(1, 2, 3, 4, 5, 6)])
    s.fed = 0
    s.ask([(1, 2, 3, 9)])
    assert s.fed == 1 and (1, 2, 3, 4, 5, 6) in s.table.exact


def test_least_recently_used_goes_first() -> None:
    """Law: of the contexts nobody asked for, the one asked for longest ago is evicted."""
    s = Simulated(3)
    for w in ((1,), (2,), (3,), (1,)):
        s.ask([w])
    s.ask([(4,)])
    assert set(s.table.exact) == {(1,), (3,), (4,)}


def test_thrashing_is_noticed() -> None:
    """Law: wanting a context again soon after its eviction asks for more slots; forgetting for good does not."""
    s = Simulated(2)
    s.ask([(1, 1), (2, 2)])
    s.ask([(3, 3), (4, 4)])
    assert not s.table.thrashing
    s.ask([(1, 1, 5), (2, 2, 5)])
    assert s.table.thrashing


def test_keep_renumbers() -> None:
    """Law: compaction and growth keep the contexts that they are told to, under new numbers."""
    s = Simulated(4)
    s.ask([(1,), (2,), (3,)])
    s.table.keep([2, 0], 2)
    assert s.table.exact == {(3,): 0, (1,): 1} and s.table.size == 2
    s.table.keep([0, 1], 8)
    assert s.table.exact == {(3,): 0, (1,): 1} and len(s.table.held) == 8


@pytest.mark.parametrize("seed", range(3))
def test_common_prefix(seed: int) -> None:
    """Law: the common prefix of all is that of the lexicographic extremes."""
    rng = np.random.default_rng(seed)
    rows = [tuple(rng.integers(0, 2, rng.integers(1, 9)).tolist()) for _ in range(3)]
    shared = common_prefix(rows)
    assert all(r[: len(shared)] == shared for r in rows)
    assert any(len(r) == len(shared) for r in rows) or len({r[len(shared)] for r in rows}) > 1

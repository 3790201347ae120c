"""Which bank answers for which context, and when a prompt gets a bank of its own.

A context goes where it, or its parent, is held exactly. Cold contexts go where most of them is held, unless next to
nothing of them is held anywhere, or they share so much more than any bank holds that a new trunk pays. At most
`max_banks` are kept; the least recently used one is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import BadToken
from .bank import Bank
from .buckets import bucket
from .device import Device
from .shapes import LEAST_TRUNK
from .slots import Prefix, common_prefix

Found = tuple[int, int]  # slot, positions held
Group = tuple[Bank, list[int], list[Found]]  # a bank, which contexts it answers for, and where it found them


class Banks:
    def __init__(self, device: Device, max_banks: int) -> None:
        self.device, self.max_banks = device, max_banks
        self._banks: list[Bank] = []  # most recently used first

    def serve(self, wanted: Sequence[Prefix], stems: Sequence[Prefix], rows: int) -> Iterator[Group]:
        """`group`, in as many rounds as memory asks for: each bank that comes has room for its members, once they are
        brought in before the next is asked for.

        Raises OutOfMemory where not even some of them have room with no other bank about.
        """
        waiting, alone = list(range(len(wanted))), False
        while waiting:
            later: list[int] = []
            groups = self.group([wanted[i] for i in waiting], [stems[i] for i in waiting], rows)
            for k, (bank, members, found) in enumerate(groups):
                mine = [waiting[i] for i in members]
                n, found = self._admit(
                    bank, [wanted[i] for i in mine], [stems[i] for i in mine], found, rows, [g[0] for g in groups[k:]]
                )
                if n:
                    yield bank, mine[:n], found[:n]
                later += mine[n:]
            if len(later) == len(waiting):
                if alone:
                    raise self.device.memory.error(max(len(wanted[i]) for i in later))
                self.clear()
                alone = True
            self.device.stats.rounds += bool(later)
            waiting = later

    def _admit(
        self,
        bank: Bank,
        wanted: Sequence[Prefix],
        stems: Sequence[Prefix],
        found: list[Found],
        rows: int,
        active: Sequence[Bank],
    ) -> tuple[int, list[Found]]:
        """How many of these contexts the bank may bring in now, and where they are found after it made room."""
        memory, table = self.device.memory, bank.table
        wish = min(bucket(max(rows, len(wanted)), memory.least_rows), memory.max_slots)

        def width(depth: int, wish: int) -> int:
            return min(self._room(bank, bank.trunk_size, depth, wish, active), memory.max_slots)

        deepest = max(bank.depth, memory.depth(max(map(len, wanted))))  # not less than is needed, and quickly found
        bank.most = width(deepest, 0)
        if bank.most >= max(wish, bank.size) and memory.rows(deepest + bank.trunk_size) >= len(wanted):
            return len(wanted), found
        own = 1
        for prefix, stem, (slot, reach) in zip(wanted, stems, found, strict=True):
            base = len(table.trunk) if slot < 0 else table.base[slot]
            own = max(own, len(prefix) - min(base, reach, len(stem) - 1))
        need = memory.depth(own)
        depth = max(bank.depth, need)
        bank.most = width(depth, wish)
        if bank.most < wish and need < depth:
            depth = need
            bank.most = width(depth, wish)
        if bank.most < memory.least_rows:
            return 0, found
        if bank.size > bank.most or bank.depth > depth:
            bank.shrink(min(bank.size, bank.most), depth)
            found = [table.find(p) or table.longest(p) for p in wanted]
        return min(len(wanted), bank.most, memory.rows(depth + bank.trunk_size)), found

    def _room(self, bank: Bank | None, trunk: int, depth: int, wish: int, active: Sequence[Bank]) -> int:
        """Slots of that depth, beside a trunk and all other banks; idle ones are dropped for the sake of `wish`."""
        memory = self.device.memory
        while True:
            taken = sum(b.bytes for b in self._banks if b is not bank) + memory.trunk(trunk)
            room = memory.slots(depth, taken)
            if room >= wish or not self._drop([*active, *([bank] if bank else [])]):
                return room

    def _drop(self, active: Sequence[Bank]) -> bool:
        """Free the least recently used bank that is not active, if there is one."""
        for k in range(len(self._banks) - 1, -1, -1):
            if not any(self._banks[k] is b for b in active):
                self._banks.pop(k).release()
                return True
        return False

    def group(self, wanted: Sequence[Prefix], stems: Sequence[Prefix], rows: int) -> list[Group]:
        """Split distinct contexts over the banks; those that are there come first, before they might be evicted.
        `stems` are the parts that may become a trunk (all of a context to be drawn from, the prompt of a text to be
        scored); `rows` is the number of rows that asked.
        """
        groups: dict[int, tuple[Bank, list[int], list[Found]]] = {}
        cold: list[int] = []
        order = list(self._banks)
        for i, prefix in enumerate(wanted):
            for k, bank in enumerate(order):
                found = bank.table.find(prefix)
                if found is not None:
                    _, members, where = groups.setdefault(id(bank), (bank, [], []))
                    members.append(i)
                    where.append(found)
                    if k:  # rows of one batch come mostly from one bank: ask it first
                        order.insert(0, order.pop(k))
                    break
            else:
                cold.append(i)
        if cold:
            self._adopt(cold, wanted, stems, rows, groups)
        self._banks.sort(key=lambda b: id(b) not in groups)  # stable
        return list(groups.values())

    def _adopt(
        self, cold: list[int], wanted: Sequence[Prefix], stems: Sequence[Prefix], rows: int, groups: dict[int, Group]
    ) -> None:
        size = self.device.params.embed.size
        for i in cold:
            if not 0 <= min(wanted[i]) <= max(wanted[i]) < size:
                raise BadToken(next(t for t in wanted[i] if not 0 <= t < size), size)
        reaches = [[bank.table.longest(wanted[i])[1] for bank in self._banks] for i in cold]
        best = [max(((r, -k) for k, r in enumerate(each)), default=(0, 0)) for each in reaches]
        shared = common_prefix([stems[i] for i in cold])
        reach = max(reach for reach, _ in best)
        part = max(r / len(wanted[i]) for i, (r, _) in zip(cold, best, strict=True))
        # One row, or a chain going back and forth, should not open a bank for each of its proposals.
        alone = rows - (len(wanted) - len(cold)) == 1
        if part < (0.125 if alone else 0.25) or (not alone and len(shared) >= 2 * reach + LEAST_TRUNK):
            active = [bank for bank, _, _ in groups.values()]
            chosen = [self._new(cold, wanted, shared, rows, active) or active[0]] * len(cold)
        else:
            chosen = [self._banks[-k] for _, k in best]
        for i, bank in zip(cold, chosen, strict=True):
            _, members, where = groups.setdefault(id(bank), (bank, [], []))
            members.append(i)
            where.append(bank.table.find(wanted[i]) or bank.table.longest(wanted[i]))

    def _new(
        self, cold: list[int], wanted: Sequence[Prefix], shared: Prefix, rows: int, active: Sequence[Bank]
    ) -> Bank | None:
        """A bank for these contexts; None if the active ones leave no room for it."""
        device, memory = self.device, self.device.memory
        longest = max(len(wanted[i]) for i in cold)
        while len(self._banks) >= self.max_banks:
            if not self._drop(active):
                self._banks.pop()
        size = min(bucket(min(max(rows, len(cold)), device.max_rows), memory.least_rows), memory.max_slots)
        for trunk in [shared, ()] if len(shared) >= LEAST_TRUNK // 2 else [()]:
            own, beside = longest - len(trunk), memory.trunk_depth(len(trunk))
            most = min(self._room(None, beside, memory.depth(own), size, active), memory.max_slots)
            if most >= memory.least_rows and memory.rows(memory.depth(own) + beside):
                bank = Bank(device, trunk, min(size, most), most, own)
                self._banks.insert(0, bank)
                return bank
        if active:
            return None
        raise memory.error(longest)

    def measure(self) -> None:
        """Write the present sizes into the statistics."""
        stats = self.device.stats
        stats.banks = len(self._banks)
        stats.slots = sum(b.size for b in self._banks)
        stats.capacity = sum(b.size * b.depth + len(b.table.trunk) for b in self._banks)
        stats.bytes = sum(b.bytes for b in self._banks)

    def clear(self) -> None:
        while self._drop(()):
            pass
        self.measure()

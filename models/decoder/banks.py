"""Which bank answers for which context, and when a prompt gets a bank of its own.

A context goes where it, or its parent, is held exactly. Cold contexts go where most of them is held, unless next to
nothing of them is held anywhere, or they share so much more than any bank holds that a new trunk pays. At most
`max_banks` are kept; the least recently used one is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import BadToken
from .bank import LEAST_TRUNK, Bank, Device
from .slots import Prefix, common_prefix

Found = tuple[int, int]  # slot, positions held
Group = tuple[Bank, list[int], list[Found]]  # a bank, which contexts it answers for, and where it found them


class Banks:
    def __init__(self, device: Device, max_banks: int) -> None:
        self.device, self.max_banks = device, max_banks
        self._banks: list[Bank] = []  # most recently used first

    def group(self, wanted: Sequence[Prefix], stems: Sequence[Prefix], rows: int) -> list[Group]:
        """Split distinct contexts over the banks. `stems` are the parts that may become a trunk (all of a context to be
        drawn from, the prompt of a text to be scored); `rows` is the number of rows that asked.
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
        V = self.device.config.vocab_size
        for i in cold:
            if not 0 <= min(wanted[i]) <= max(wanted[i]) < V:
                raise BadToken(next(t for t in wanted[i] if not 0 <= t < V), V)
        reaches = [[bank.table.longest(wanted[i])[1] for bank in self._banks] for i in cold]
        best = [max(((r, -k) for k, r in enumerate(each)), default=(0, 0)) for each in reaches]
        shared = common_prefix([stems[i] for i in cold])
        reach = max(reach for reach, _ in best)
        part = max(r / len(wanted[i]) for i, (r, _) in zip(cold, best, strict=True))
        # One row, or a chain going back and forth, should not open a bank for each of its proposals.
        alone = rows - (len(wanted) - len(cold)) == 1
        if part < (0.125 if alone else 0.25) or (not alone and len(shared) >= 2 * reach + LEAST_TRUNK):
            bank = self._new(cold, wanted, shared, rows)
            chosen = [bank] * len(cold)
        else:
            chosen = [self._banks[-k] for _, k in best]
        for i, bank in zip(cold, chosen, strict=True):
            _, members, where = groups.setdefault(id(bank), (bank, [], []))
            members.append(i)
            where.append(bank.table.find(wanted[i]) or bank.table.longest(wanted[i]))

    def _new(self, cold: list[int], wanted: Sequence[Prefix], shared: Prefix, rows: int) -> Bank:
        trunk = shared if len(shared) >= LEAST_TRUNK // 2 else ()
        while len(self._banks) >= self.max_banks:
            self._banks.pop()
        own = max(len(wanted[i]) for i in cold) - len(trunk)
        bank = Bank(self.device, trunk, min(max(rows, len(cold)), self.device.max_rows), own)
        self._banks.insert(0, bank)
        return bank

    def measure(self) -> None:
        """Write the present sizes into the statistics."""
        stats = self.device.stats
        stats.banks = len(self._banks)
        stats.slots = sum(b.size for b in self._banks)
        stats.capacity = sum(b.size * b.depth + len(b.table.trunk) for b in self._banks)

    def clear(self) -> None:
        self._banks.clear()
        self.measure()

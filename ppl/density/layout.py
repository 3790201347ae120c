"""The calls that a graph comes to, and their arguments.

Operations that are equal and on one level are the rows of one call. An operand of such a call is a column of numbers,
or rows picked out of earlier results by an index that is itself an argument: which result goes where is data, not code,
and executions that differ only there share the compiled function.

Source: operations batched by depth are those of Looks et al. 2017, "Deep learning with dynamic computation graphs",
and Neubig et al. 2017, "On-the-fly operation batching in dynamic computation graphs".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..dist.compiled import form
from ..dist.values import as_array
from .graph import Fixed, Graph, Lifted, Node, Role
from .operations import Form, Operation
from .run import Term

_SMALL = 16  # numbers; an operand of no more is not worth sharing, and a row of no more not worth counting
_FEW = 8  # rows; so few may be the same, or in order, by chance, and picking them costs nothing


class Fetch(NamedTuple):
    """How an operand of a group is got.

    column: an argument [size, ...]. shared: an argument for all rows. rows: the results of an earlier group, row by
    row; source: (group, number of the result). same: one of the earlier results of this form, for all rows; picked:
    one for each row; mixed: one for each row, or else the number in a column. These take an index as an argument.
    """

    how: Literal["column", "shared", "rows", "same", "picked", "mixed"]
    form: Form
    source: tuple[int, int] = (-1, -1)


class Group(NamedTuple):
    """One call of `size` rows, of which the last ones may be padding that repeats the first."""

    role: Role
    operation: Operation
    size: int
    fetches: tuple[Fetch, ...]


@dataclass(frozen=True)
class Layout:
    """What is compiled: the calls, in order. Executions with equal layouts share the compiled functions."""

    groups: tuple[Group, ...]

    @cached_property
    def _hash(self) -> int:
        return hash(self.groups)

    def __hash__(self) -> int:
        return self._hash


class Argument(NamedTuple):
    """An array, and which of its rows hold the values of which given sites; rows None: it is such a value."""

    array: NDArray[Any]
    rows: NDArray[np.int64] | None
    given: NDArray[np.int64]

    def filled(self, values: Sequence[Any]) -> NDArray[Any]:
        """values: of the given sites."""
        if self.rows is None:
            return np.asarray(values[self.given[0]], self.array.dtype)
        if len(self.given) == 0:
            return self.array
        array = self.array.copy()
        array[self.rows] = [values[i] for i in self.given.tolist()]
        return array


class Filled(NamedTuple):
    """A layout with what fills it. arguments: of the fetches, in order. sites: the chosen sites in the order of the
    vector of their values. terms: those of each group of terms."""

    layout: Layout
    arguments: list[Argument]
    sites: list[int]
    terms: list[list[int]]


def lay_out(graph: Graph, terms: Sequence[Term]) -> Filled:
    """Rows into groups: per level, one group for each operation."""
    work = _Work(terms)
    for nodes in (*graph.levels, graph.terms):
        together: dict[tuple[Role, Operation], list[Node]] = {}
        for node in nodes:
            together.setdefault((node.role, node.operation), []).append(node)
        for role, operation in sorted(together, key=_order):
            work.add(role, operation, together[role, operation])
    return Filled(Layout(tuple(work.groups)), work.arguments, work.sites, work.terms)


def _order(what: tuple[Role, Operation]) -> str:
    """The same in every execution, and on every machine."""
    return _ADDRESS.sub("", f"{what[0]} {what[1].key}")


class _Work:
    def __init__(self, terms: Sequence[Term]) -> None:
        self.groups: list[Group] = []
        self.arguments: list[Argument] = []
        self.sites: list[int] = []
        self.terms: list[list[int]] = []
        self._given = terms
        self._place: dict[Any, tuple[int, int, int]] = {}  # variable -> group, number of the result, row
        self._start: dict[tuple[int, int], int] = {}  # result -> where its rows begin among those of its form
        self._length: dict[Form, int] = {}
        self._real: list[int] = []  # rows of a group without padding

    def add(self, role: Role, operation: Operation, nodes: list[Node]) -> None:
        """One more group."""
        size = len(nodes)
        if role == "bijection":
            self.sites += [n.number for n in nodes]
        else:
            size = padded(size, max((prod(shape) for shape, _ in operation.inputs), default=1))
        if role == "term":
            self.terms.append([n.number for n in nodes])
        rows = nodes + nodes[:1] * (size - len(nodes))
        columns = zip(*[n.operands for n in rows], strict=True)
        fetches = [self._fetch(rows, k, list(c), operation.inputs[k], len(nodes)) for k, c in enumerate(columns)]
        g = len(self.groups)
        self._real.append(len(nodes))
        self.groups.append(Group(role, operation, size, tuple(fetches)))
        for number, out in enumerate(nodes[0].outs):
            f = out.aval.shape, out.aval.dtype
            self._start[g, number] = self._length.get(f, 0)
            self._length[f] = self._start[g, number] + size
            self._place |= {n.outs[number]: (g, number, row) for row, n in enumerate(nodes)}

    def _fetch(self, nodes: list[Node], k: int, column: list[Any], f: Form, n: int) -> Fetch:
        """n: rows that are no padding."""
        first = column[0]
        known = [isinstance(o, (Fixed, Lifted)) for o in column]
        if all(known):
            if len(column) > 1 and prod(f[0]) > _SMALL and all(_identical(o, first) for o in column):
                self._argue_shared(first, f)
                return Fetch("shared", f)
            self._argue_column(nodes, k, column, f)
            return Fetch("column", f)
        if any(known):
            past = self._length[f]
            self._argue([past + i if known[i] else self._index(o) for i, o in enumerate(column)])
            self._argue_column(nodes, k, [o if known[i] else None for i, o in enumerate(column)], f)
            return Fetch("mixed", f)
        if n > _FEW and all(o is first for o in column):
            self._argue(self._index(first))
            return Fetch("same", f)
        g, number, _ = self._place[first]
        if n > _FEW and (len(column), n) == (self.groups[g].size, self._real[g]) and all(
            self._place[o] == (g, number, row) for row, o in enumerate(column[:n])
        ):  # rows of padding repeat the first one there, too
            return Fetch("rows", f, (g, number))
        self._argue([self._index(o) for o in column])
        return Fetch("picked", f)

    def _index(self, variable: Any) -> int:
        g, number, row = self._place[variable]
        return self._start[g, number] + row

    def _argue(self, index: int | list[int]) -> None:
        self.arguments.append(Argument(np.array(index, np.int32), _NONE, _NONE))

    def _argue_shared(self, operand: Any, f: Form) -> None:
        if isinstance(operand, Lifted):
            self.arguments.append(Argument(np.zeros(f[0], f[1]), None, np.array([operand.number])))
        else:
            self.arguments.append(Argument(np.asarray(operand.value, f[1]), _NONE, _NONE))

    def _argue_column(self, nodes: list[Node], k: int, column: list[Any], f: Form) -> None:
        rows = [i for i, o in enumerate(column) if isinstance(o, Lifted)]
        fixed = [i for i, o in enumerate(column) if isinstance(o, Fixed)]
        array = np.zeros((len(column), *f[0]), f[1])
        if fixed:
            values: Any = [column[i].value for i in fixed]
            records = [self._given[nodes[i].number].record for i in fixed] if nodes[0].role == "term" and k == 0 else []
            if records and records[0] is not None:  # what is no number of a discrete family is outside its support
                values = as_array(records, values, form(records[0].family), False)  # type: ignore[arg-type]
            array[fixed] = [np.asarray(v, f[1]) for v in values] if f[0] else np.array(values, f[1])
        given = np.array([column[i].number for i in rows], np.int64)
        self.arguments.append(Argument(array, np.array(rows, np.int64), given))


_NONE = np.empty(0, np.int64)
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def _identical(a: Any, b: Any) -> bool:
    return a == b if isinstance(a, Lifted) or isinstance(b, Lifted) else a.value is b.value


def padded(n: int, numbers: int) -> int:
    """n rounded up to one of a few sizes, eight an octave from 64 on, so that some rows more or less are the same
    layout; rows of many numbers are not repeated for a handful."""
    step = max(_FEW if numbers <= _SMALL else 1, 1 << max(0, n.bit_length() - 4))
    return -(-n // step) * step

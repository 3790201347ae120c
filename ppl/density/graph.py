"""From what a traced program computes to a graph of operations, by level.

The equations that the program's arithmetic left behind, the bijections of the chosen sites and the densities are nodes.
The level of a node is its distance from the inputs; densities and factors wait for the end, so that each family is one
call (`layout`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from jax.extend.core import Jaxpr
from jax.extend.core import Literal as Constant

from .families import canonical
from .operations import Amount, Bijection, Density, Operation, form_of, of_equation
from .quantile import Quantile
from .run import Run, Term, Traced

Role = Literal["bijection", "equation", "term"]


class Fixed(NamedTuple):
    """An operand that is known when the graph is made."""

    value: Any


class Lifted(NamedTuple):
    """An operand that every execution brings along: the value of its given site of this number."""

    number: int


@dataclass(slots=True)
class Node:
    """One operation. operands: Fixed, Lifted, or variables. outs: the variables that it defines. number: of the chosen
    site that a bijection is for, or of the term."""

    role: Role
    operation: Operation
    operands: list[Any]
    outs: list[Any]
    number: int = 0


class Graph:
    """levels: the nodes, each needing only those of earlier levels. terms: the densities and factors that depend on a
    chosen site."""

    def __init__(self, run: Run, jaxpr: Jaxpr, consts: Sequence[Any]) -> None:
        """jaxpr: of the function from the values of the chosen sites, and then of the given sites, to the results that
        the operands in `run` name."""
        self.levels: list[list[Node]] = []
        self._run, self._jaxpr = run, jaxpr
        self._level: dict[Any, int] = {}
        self._known: dict[Any, Any] = {v: Fixed(c) for v, c in zip(jaxpr.constvars, consts, strict=True)}
        self._known |= {v: Lifted(i) for i, v in enumerate(jaxpr.invars[len(run.chosen) :])}
        self._undefined = list(reversed(range(len(run.chosen))))
        scored = [(i, t, self._operands(t.operands)) for i, t in enumerate(run.terms)]
        moving = self._moving()
        scored = [(i, t, operands) for i, t, operands in scored if any(o in moving for o in _variables(operands))]
        self._leaves = [self._operands(c.leaves) for c in run.chosen]
        for eqn in jaxpr.eqns:  # also what is not used here, as it may be used in another execution: XLA leaves it out
            operation, more = of_equation(eqn)
            operands = [*map(self._operand, eqn.invars), *map(Fixed, more)]
            self._add(Node("equation", operation, operands, list(eqn.outvars)))
        while self._undefined:
            self._bijection()
        self.terms = [Node("term", _scoring(t, operands), operands, [], i) for i, t, operands in scored]

    def _operands(self, given: Sequence[Any]) -> list[Any]:
        return [self._operand(self._jaxpr.outvars[x.number]) if isinstance(x, Traced) else Fixed(x) for x in given]

    def _operand(self, v: Any) -> Any:
        return Fixed(v.val) if isinstance(v, Constant) else self._known.get(v, v)

    def _moving(self) -> set[Any]:
        """The variables that depend on a chosen site."""
        moving = set(self._jaxpr.invars[: len(self._run.chosen)])
        for eqn in self._jaxpr.eqns:
            if any(not isinstance(v, Constant) and v in moving for v in eqn.invars):
                moving.update(eqn.outvars)
        return moving

    def _add(self, node: Node) -> None:
        variables = _variables(node.operands)
        for v in variables:
            while v not in self._level:  # the value of a chosen site
                self._bijection()
        level = 1 + max((self._level[v] for v in variables), default=-1)
        self.levels += [[] for _ in range(level + 1 - len(self.levels))]
        self.levels[level].append(node)
        self._level |= dict.fromkeys(node.outs, level)

    def _bijection(self) -> None:
        """Define the value of the next chosen site; what its parameters need has been added before."""
        i = self._undefined.pop()
        chosen = self._run.chosen[i]
        operation = (Quantile if chosen.quantile else Bijection)(chosen.family)
        operands = [self._leaves[i][k] for k in operation.reals.leaves]
        self._add(Node("bijection", operation, operands, [self._jaxpr.invars[i]], i))


def _variables(operands: Sequence[Any]) -> list[Any]:
    return [o for o in operands if not isinstance(o, (Fixed, Lifted))]


def _scoring(term: Term, operands: Sequence[Any]) -> Operation:
    """The operation of a term: the density of its family, or a factor."""
    form = form_of(operands[0].aval) if _variables(operands[:1]) else None
    if term.record is None:
        assert form is not None, "a factor that moves is a variable"
        return Amount(form)
    return Density(canonical(term.record.family), form)

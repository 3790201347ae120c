"""The kinds of mistakes that `check` reports. Their codes are stable: tools may match on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    severity: Literal["error", "warning"]
    meaning: str


def _error(meaning: str) -> Code:
    return Code("error", meaning)


def _warning(meaning: str) -> Code:
    return Code("warning", meaning)


CODES: dict[str, Code] = {
    # names
    "unknown-name": _error("A name that nothing in the file defines."),
    "unassigned": _error("A variable is read before it is assigned, on every path."),
    "maybe-unassigned": _warning("A variable is read where some path has not assigned it."),
    "unused-variable": _warning("A variable is assigned and never read; `_` is exempt."),
    "unused-import": _warning("An imported name is never used."),
    "shadows": _error("A built-in, model, distribution, program or def is given another meaning."),
    "duplicate-definition": _error("Two things at the top level of a file have one name."),
    "unknown-member": _error("`value.name` where values of this kind have no such member."),
    "private-member": _error("A member whose name begins with an underscore."),
    "unknown-model": _error("A model that the runner does not provide."),
    "unknown-reward": _error("A reward that is not registered."),
    "unknown-import": _error("A module that cannot be found, or a name that it does not define."),
    "circular-import": _error("A file that imports itself, directly or through others."),
    # calls
    "missing-argument": _error("A call without an argument that has no default."),
    "too-many-arguments": _error("More positional arguments than there are parameters."),
    "unknown-keyword": _error("A keyword that the called thing does not take."),
    "duplicate-argument": _error("One argument is given twice."),
    "not-callable": _error("A call of what is neither a function nor a program."),
    "not-called": _error("A function where its result is meant: the parentheses are missing."),
    "program-in-expression": _error("A program is called inside an expression."),
    # kinds
    "wrong-kind": _error("A value of a kind that cannot stand there."),
    "bad-operands": _error("An operator between kinds of values that it does not join."),
    "not-a-distribution": _error("`~` or `using` with what cannot be drawn from."),
    "not-iterable": _error("A loop over what has no items."),
    "not-indexable": _error("An index into what has no items."),
    "wrong-count": _error("More or fewer names than values in `a, b = ...`."),
    # effects
    "effect-in-def": _error("A `def` draws, weighs, scores or calls a program."),
    "misplaced-effect": _error("`lm.score` or `reward` where it is not always evaluated."),
    # flow
    "outside-loop": _error("`break` or `continue` outside a loop."),
    "unreachable": _warning("A statement that no run can reach."),
    "endless-loop": _error("A loop that cannot end once it has begun."),
    "unused-value": _warning("A call stands alone, and its value is lost."),
    "no-effect": _warning("A program that makes no choices and weighs nothing."),
    "constant-condition": _warning("A test whose outcome is always the same."),
    # supports
    "bad-parameter": _error("A parameter outside its domain."),
    "outside-support": _error("An observed value that the distribution can never give."),
    "never-met": _error("A `condition` or `factor` that ends every run."),
    # constraints
    "bad-constraint": _error("A pattern, grammar or schema with a mistake."),
    # files
    "too-deep": _error("Expressions or blocks nested too deeply."),
}

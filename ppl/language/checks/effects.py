"""Where effects may stand: only programs have them, and only where they are certainly evaluated."""

from __future__ import annotations

from .. import nodes
from ..library.signature import Builtin
from .signature import Bound
from .suggest import listed, meant
from .walk import Walk


def check_effect(walk: Walk, node: nodes.Call, shown: str, of: Builtin, bound: Bound) -> None:
    """A call of `lm.score` or `reward`."""
    walk.acts = True
    if walk.definition is not None and walk.definition.kind == "def":
        walk.findings.report(
            "effect-in-def", node, f"a def cannot call {shown}", "make it a program, or give the def the result"
        )
    elif walk.barred is not None:
        walk.findings.report(
            "misplaced-effect", node, f"{shown} cannot stand {walk.barred}", f"assign it before: x = {shown}(...)"
        )
    name = bound.by.get("name")
    if of.name == "reward" and walk.top.rewards is not None and name is not None and isinstance(name[1].known, str):
        known = name[1].known
        if known not in walk.top.rewards:
            there = listed(walk.top.rewards)
            hint = meant(known, walk.top.rewards) or (f"the rewards are {there}" if there else "there are no rewards")
            walk.findings.report("unknown-reward", name[0], f"unknown reward {known!r}", hint)


def check_program(walk: Walk, node: nodes.Call, program: nodes.Definition) -> None:
    """A call of a program."""
    walk.acts = True
    name = program.name
    if walk.definition is not None and walk.definition.kind == "def":
        walk.findings.report("effect-in-def", node, f"a def cannot call the program {name}", "make it a program")
    elif walk.definition is None or walk.whole is not node:
        walk.findings.report(
            "program-in-expression", node, f"the program {name} cannot be called inside an expression",
            f"give it a line of its own: x = {name}(...)" if walk.definition else "call it in a program",
        )


def check_statement(walk: Walk, node: nodes.Draw | nodes.Observe | nodes.Weigh) -> None:
    """`~`, observe, condition, factor or twist."""
    walk.acts = True
    if walk.definition is not None and walk.definition.kind == "def":
        match node:
            case nodes.Draw():
                what = "'~'"
            case nodes.Observe():
                what = "'observe'"
            case _:
                what = f"'{node.kind}'"
        hint = f"make it a program: program {walk.definition.name}(...)"
        walk.findings.report("effect-in-def", node, f"{what} cannot stand in a def", hint)

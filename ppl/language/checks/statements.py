"""Statements: what they assign, weigh and draw."""

from __future__ import annotations

from .. import nodes
from .distributions import check_observed
from .effects import check_statement
from .iteration import bind_targets
from .names import bind
from .operators import binary_value
from .read import advice, does, truth_of, value_of
from .value import ANY, NUMBERS, Value, named
from .walk import Walk

_DRAWN: dict[str, Value] = {"text": Value("str"), "token": Value("int"), "any": ANY}


def _whole(walk: Walk, node: nodes.Expression) -> Value:
    """The value of the whole right side of a statement, where a program may be called."""
    walk.whole = node
    value = value_of(walk, node)
    walk.whole = None
    return value


@does(nodes.Draw)
def draw(walk: Walk, node: nodes.Draw) -> None:
    check_statement(walk, node)
    dist = _whole(walk, node.dist)
    proposal = None if node.proposal is None else value_of(walk, node.proposal)
    _site(walk, node.site)
    if isinstance(dist.of, nodes.Call):  # of a program
        if node.proposal is not None:
            walk.findings.report(
                "wrong-kind", node.proposal, "the call of a program takes no proposal",
                "give proposals to the sites inside the program",
            )
        bind(walk, node.target, ANY)
        return
    fine = _drawable(walk, node.dist, dist, "'~'")
    if node.proposal is not None and proposal is not None and proposal.kind != "none":  # `using None` is none
        drawable = _drawable(walk, node.proposal, proposal, "'using'")
        if fine and drawable:
            _match(walk, node.proposal, dist, proposal)
    bind(walk, node.target, _DRAWN.get(dist.kind, Value(dist.inside)) if fine else ANY)


def _drawable(walk: Walk, node: nodes.Expression, value: Value, after: str) -> bool:
    """Whether a value may be a distribution, for all that is known; reports one that is not."""
    if isinstance(value.of, nodes.Call):
        return False  # a program in an expression, which has been reported
    if value.kind in ("any", "distribution", "token", "text"):
        return True
    hint = f"write one after {after}, such as Normal(0, 1)"
    if value.kind == "model":
        hint = "write lm.text(prompt, max_tokens=...) for a text, lm.next(context) for a token"
    elif value.kind == "constraint":
        hint = "give it to a text: lm.text(prompt, max_tokens=..., where=...)"
    elif value.kind == "function":
        hint = advice(value, hint)
    elif after == "'~'" and value.kind != "none":
        hint = "write = to assign a value"
    walk.findings.report("not-a-distribution", node, f"{after} needs a distribution, got {named(value.kind)}", hint)
    return False


def _match(walk: Walk, node: nodes.Expression, dist: Value, proposal: Value) -> None:
    if "any" not in (dist.kind, proposal.kind) and (dist.kind == "text") != (proposal.kind == "text"):
        message = f"{named(proposal.kind)} cannot propose for {named(dist.kind)}"
        walk.findings.report(
            "wrong-kind", node, message, "the proposal of a text is a text, that of a plain distribution a plain one"
        )


@does(nodes.Observe)
def observe(walk: Walk, node: nodes.Observe) -> None:
    check_statement(walk, node)
    value, dist = value_of(walk, node.value), value_of(walk, node.dist)
    _site(walk, node.site)
    if dist.kind == "constraint":
        walk.findings.report(
            "not-a-distribution", node.dist, "'observe' needs a distribution, got a constraint",
            "write: condition constraint.matches(text)",
        )
    elif _drawable(walk, node.dist, dist, "'observe'"):
        check_observed(walk, node.value, value, dist)


@does(nodes.Weigh)
def weigh(walk: Walk, node: nodes.Weigh) -> None:
    check_statement(walk, node)
    if node.kind == "condition":
        value = truth_of(walk, node.value, "'condition'")
        _check_condition(walk, node, value)
    else:
        value = value_of(walk, node.value)
        _check_weight(walk, node, value)
    _site(walk, node.site)


def _check_condition(walk: Walk, node: nodes.Weigh, value: Value) -> None:
    if value.kind == "str" and value.constant:
        hint = 'the name of a site stands after `as`: condition ... as "name"'
        walk.findings.report("wrong-kind", node.value, "'condition' needs a truth value, got a string", hint)
    elif value.constant and not value.known:
        _never(walk, node, "this condition is never met: every run ends here")


def _check_weight(walk: Walk, node: nodes.Weigh, value: Value) -> None:
    if value.kind not in ("any", *NUMBERS):
        message = f"'{node.kind}' needs a number (log weight), got {named(value.kind)}"
        walk.findings.report("wrong-kind", node.value, message,
                             advice(value, 'a log weight, such as log(0.5) or reward("name", text)'))


def _never(walk: Walk, node: nodes.Weigh, message: str) -> None:
    """A weight of 0: a mistake where every run comes to it, else a way to give up."""
    if walk.branching == 0 and not walk.returned and walk.definition is not None and walk.definition.kind == "program":
        walk.findings.report("never-met", node, message, "let it depend on what is drawn")
    else:
        walk.scope.dead = True


@does(nodes.Assign)
def assign(walk: Walk, node: nodes.Assign) -> None:
    if node.op is not None:
        before = value_of(walk, node.targets[0])
        bind(walk, node.targets[0], binary_value(walk, node, node.op, before, value_of(walk, node.value)))
        return
    value = _whole(walk, node.value)
    if isinstance(value.of, nodes.Call):  # of a program, which does more than return a value
        value = ANY
        walk.used.update(t.id for t in node.targets)
    bind_targets(walk, node.targets, value)


@does(nodes.Evaluate)
def evaluate(walk: Walk, node: nodes.Evaluate) -> None:
    acted = walk.acts
    walk.acts = False
    value = _whole(walk, node.value)
    if not walk.acts and walk.scope.dead is False:
        if value.kind in ("distribution", "token", "text"):
            walk.findings.report("unused-value", node, "nothing is drawn here", "draw from it: x ~ ...")
        elif value.kind != "any":
            walk.findings.report("unused-value", node, "the value of this call is not used", "assign it: x = ...")
    walk.acts = acted or walk.acts


@does(nodes.Return)
def return_(walk: Walk, node: nodes.Return) -> None:
    walk.results.append(Value("none", None) if node.value is None else value_of(walk, node.value))
    walk.returned = walk.scope.dead = True


@does(nodes.Jump)
def jump(walk: Walk, node: nodes.Jump) -> None:
    if node.kind == "pass":
        return
    if not walk.loops:
        walk.findings.report("outside-loop", node, f"'{node.kind}' outside a loop", "write return to end the program")
        return
    loop = walk.loops[-1]
    (loop.left if node.kind == "break" else loop.again).append(walk.scope.since(loop.entry))
    walk.scope.dead = True


def _site(walk: Walk, site: nodes.String | None) -> None:
    if site is not None:
        with walk.barring("in the name of a site"):
            value_of(walk, site)

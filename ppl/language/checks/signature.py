"""How a call gives the arguments of a built-in, `def` or program: arity, keywords, kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .. import nodes
from ..library.signature import Argument, Kind
from .read import advice
from .suggest import listed, meant
from .value import DRAWABLE, Value, named
from .walk import Walk

Given = tuple[nodes.Expression, Value]
Report = Callable[..., None]


@dataclass
class Bound:
    """by: the arguments by name. more: further positional ones. wrong: whether something has been reported."""

    by: dict[str, Given] = field(default_factory=dict)
    more: list[Given] = field(default_factory=list)
    wrong: bool = False

    def known(self, name: str) -> object:
        """The value of an argument where it is a constant, else None."""
        given = self.by.get(name)
        return given[1].known if given is not None and given[1].constant else None


def arguments_of(definition: nodes.Definition) -> tuple[Argument, ...]:
    return tuple(Argument(p.name, _kinds(p), p.default is None) for p in definition.parameters)


def _kinds(parameter: nodes.Parameter) -> tuple[Kind, ...]:
    match parameter.type:
        case "str" | "int" | "float" | "bool" | "list" | "dict" as kind:
            return (kind,)
        case _:
            return ("any",)


def bind_arguments(
    walk: Walk, node: nodes.Call, shown: str, arguments: tuple[Argument, ...], values: list[Value],
    keywords: list[Value], variadic: bool = False, strict: bool = False,
) -> Bound:
    """values, keywords: what is known of the arguments that the call gives. strict: of a definition, for which
    a bool is no number. Reports those that do not fit."""
    bound = Bound()

    def report(code: str, at: nodes.Node | nodes.Span, message: str, hint: str) -> None:
        bound.wrong = True
        walk.findings.report(code, at, message, hint)

    places = [a for a in arguments if not a.keyword]
    usage = f"{shown} is called as {signature(shown, arguments, variadic)}"
    for k, (given, value) in enumerate(zip(node.arguments, values, strict=True)):
        if k < len(places):
            bound.by[places[k].name] = given, value
        elif variadic:
            bound.more.append((given, value))
        else:
            count = f"{len(places)} positional argument{'s' * (len(places) != 1)}"
            report("too-many-arguments", given, f"{shown} takes {count}, got {len(values)}", usage)
            break
    names = [a.name for a in arguments]
    for keyword, value in zip(node.keywords, keywords, strict=True):
        if keyword.name not in names or (variadic and keyword.name == places[-1].name):
            hint = meant(keyword.name, names) or (f"its arguments are {listed(names)}" if names else usage)
            report("unknown-keyword", keyword, f"{shown} has no argument {keyword.name!r}", hint)
        elif keyword.name in bound.by:
            report("duplicate-argument", keyword, f"{shown} is given {keyword.name!r} twice", usage)
        else:
            bound.by[keyword.name] = keyword.value, value
    missing = [a.name for a in arguments if a.required and a.name not in bound.by]
    if missing and not bound.wrong:
        report("missing-argument", node, f"{shown} needs {' and '.join(map(repr, missing))}", usage)
    for argument in arguments:
        if argument.name in bound.by:
            _kind(shown, argument, *bound.by[argument.name], strict, report)
    for extra in bound.more:
        _kind(shown, places[-1], *extra, strict, report)
    return bound


def _kind(
    shown: str, argument: Argument, node: nodes.Expression, value: Value, strict: bool, report: Report
) -> None:
    if _accepts(argument, value, strict):
        return
    wanted = " or ".join(dict.fromkeys(named(k) for k in argument.kinds if k != "none" or argument.required))
    message = f"{argument.name!r} of {shown} has to be {wanted}, got {named(value.kind)}"
    report("wrong-kind", node, message, _hint(argument, value))


def _accepts(argument: Argument, value: Value, strict: bool) -> bool:
    """Whether an argument may be this value, for all that is known."""
    kinds, kind = argument.kinds, value.kind
    if "any" in kinds or kind == "any" or kind in kinds:
        return True
    if kind == "none":
        return strict and not argument.required
    return (kind == "int" and "float" in kinds) or (kind == "bool" and not strict and bool(_NUMERIC & set(kinds)))


_NUMERIC = {"int", "float"}


def _hint(argument: Argument, value: Value) -> str:
    if value.kind in ("function", *DRAWABLE):
        return advice(value, "")
    if value.kind == "str" and _NUMERIC & set(argument.kinds):
        if value.constant and value.known.strip().replace(".", "", 1).isdigit():
            return f"write {value.known.strip()} without quotes"
        return "turn it into a number first: int(...)"
    if value.kind == "float" and "int" in argument.kinds:
        return "use // for whole division, or int(...)"
    if "str" in argument.kinds and value.kind in ("int", "float"):
        return "turn it into a string first: str(...)"
    if "str" in argument.kinds:
        return advice(value, 'a string, such as "text"')
    return f"for example {_EXAMPLES[argument.kinds[0]]}"


_EXAMPLES: dict[Kind, str] = {
    "any": "1", "none": "None", "bool": "True", "int": "3", "float": "0.5", "str": '"text"', "list": "[x, y]",
    "dict": '{"a": 1}', "model": "lm", "context": "lm.context(prompt)", "token": "lm.next(context)",
    "text": "lm.text(prompt, max_tokens=20)", "distribution": "Normal(0, 1)", "constraint": 'regex(r"[a-z]+")',
    "mask": "lm.tokens_where(test)", "function": "fits, after def fits(text): ...", "reward": '"name"',
}


def signature(shown: str, arguments: tuple[Argument, ...], variadic: bool) -> str:
    """`lm.text(prompt, *, max_tokens, stop=...)`."""
    places = [a for a in arguments if not a.keyword]
    parts = [a.name if a.required else f"{a.name}=..." for a in places]
    if variadic:
        parts.append("...")
    named_only = [a for a in arguments if a.keyword]
    if named_only:
        parts.extend(("*", *(a.name if a.required else f"{a.name}=..." for a in named_only)))
    return f"{shown}({', '.join(parts)})"

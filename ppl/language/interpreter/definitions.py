"""`Def`, a pure function as a value, and what it shares with programs: parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..diagnostics import SteerError
from ..library.masks import Masks
from ..limits import Limits, Meter
from ..nodes import Definition, Parameter
from ..problems import OverLimit, Problem
from ..values import Function, adopted, described, kind_of, named
from .frame import UNSET, Frame
from .source import Source

Body = Callable[[Frame], Any]
_EMPTY = inspect.Parameter.empty
_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}


def parameters(definition: Definition, positional: int, keywords: tuple[str, ...]) -> list[int | None]:
    """For each parameter the place of its value among those given, None for its default. Raises Problem for a call that
    does not fit."""
    names = [p.name for p in definition.parameters]
    shown = ", ".join(p.name if p.default is None else f"{p.name}=..." for p in definition.parameters)
    hint = f"it is called as {definition.name}({shown})"
    if positional > len(names):
        raise Problem("arguments", f"{definition.name} takes {len(names)} arguments, got {positional}", hint)
    order: list[int | None] = [i if i < positional else None for i in range(len(names))]
    for i, keyword in enumerate(keywords):
        if keyword not in names:
            raise Problem("arguments", f"{definition.name} has no argument {keyword!r}", hint)
        if order[names.index(keyword)] is not None:
            raise Problem("arguments", f"{definition.name} is given {keyword!r} twice", hint)
        order[names.index(keyword)] = positional + i
    given = zip(definition.parameters, order, strict=True)
    missing = [p.name for p, place in given if place is None and p.default is None]
    if missing:
        raise Problem("arguments", f"{definition.name} needs {', '.join(map(repr, missing))}", hint)
    return order


def converted(definition: Definition, parameter: Parameter, value: Any) -> Any:
    """The value as its parameter declares it: an int is a float where one is wanted. Raises Problem for others."""
    wanted = parameter.type
    if wanted is None:
        return value
    kind = kind_of(value)
    if kind == wanted or (value is None and parameter.default is not None):
        return value
    if wanted == "float" and kind == "int":
        return float(value)
    raise Problem("kind", f"{definition.name}: {parameter.name} must be {named(wanted)}, not {described(value)}")


def signature(definition: Definition, defaults: Sequence[Any]) -> inspect.Signature:
    """As Python sees it."""
    return inspect.Signature([
        inspect.Parameter(p.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=_EMPTY if d is UNSET else d,
                          annotation=_TYPES[p.type] if p.type else _EMPTY)
        for p, d in zip(definition.parameters, defaults, strict=True)
    ])


class Defined:
    """A definition of a file: its tree, and the values of its defaults (UNSET without) once the file has run so far."""

    def __init__(self, definition: Definition, limits: Limits) -> None:
        self.definition, self.limits, self.name = definition, limits, definition.name
        self.defaults: list[Any] = [UNSET] * len(definition.parameters)
        self.slots = 0
        doc = definition.doc
        self.__name__ = definition.name
        self.__doc__ = None if doc is None else inspect.cleandoc("".join(p for p in doc.parts if isinstance(p, str)))

    @property
    def __signature__(self) -> inspect.Signature:
        return signature(self.definition, self.defaults)

    def value(self, i: int, given: Sequence[Any], place: int | None) -> Any:
        """Of the i-th parameter, in a call. Raises Problem."""
        if place is None:
            return self.defaults[i]
        return converted(self.definition, self.definition.parameters[i], given[place])

    def from_outside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The values of the parameters in a call by Python. Raises TypeError."""
        given = [*args, *kwargs.values()]
        try:
            order = parameters(self.definition, len(args), tuple(kwargs))
            given = [adopted(value, self.limits) for value in given]
            return [self.value(i, given, place) for i, place in enumerate(order)]
        except Problem as problem:
            raise TypeError(problem.message) from None

    def frame(self, values: list[Any], meter: Meter, depth: int = 0) -> Frame:
        values.extend([UNSET] * (self.slots - len(values)))
        return Frame(values, meter, self.definition.body[0], depth)


class Def(Defined, Function):
    """A pure function. Python may call it, too."""

    def __init__(self, definition: Definition, limits: Limits, source: Source, masks: Masks) -> None:
        super().__init__(definition, limits)
        self.source, self.masks = source, masks
        self.body: Body | None = None

    def enter(self, meter: Meter, values: list[Any]) -> Any:
        """Run the body. Raises SteerError for a mistake inside, OverLimit for too many functions inside one another."""
        meter.charge(1)
        if meter.depth >= meter.limits.recursion:
            raise OverLimit("recursion", meter.limits.recursion, f"{self.name} calls itself too deeply")
        if self.body is None:
            raise Problem("unset", f"{self.name!r} cannot be called yet", "define it further up")
        meter.depth += 1  # a failure ends the run, so that only success need count back
        frame = self.frame(values, meter)
        self.body(frame)
        meter.depth -= 1
        return frame.result

    def call(self, meter: Meter, *args: Any) -> Any:
        """For built-ins that take a function."""
        order = parameters(self.definition, len(args), ())
        return self.enter(meter, [self.value(i, args, place) for i, place in enumerate(order)])

    def accepts(self, arguments: int) -> None:
        parameters(self.definition, arguments, ())

    def at_fault(self, problem: Problem) -> Exception:
        return SteerError([self.source.diagnostic(self.definition, problem)])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.enter(Meter(self.limits), self.from_outside(args, kwargs))

    def __repr__(self) -> str:
        return f"<def {self.name!r}>"

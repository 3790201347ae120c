"""`Entry`: a program of the language as the function that an `Invocation` calls."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ...effects import Invocation
from ...rewriting import Wrapped
from .. import nodes as n
from ..limits import Limits, Meter
from ..nodes import Definition
from ..problems import OverLimit
from .definitions import Defined, parameters
from .frame import Frame
from .parts import arguments, module_of
from .size import length
from .source import Source

if TYPE_CHECKING:
    from .expressions import Evaluate, Expressions, Hoist


class Running(Wrapped):
    """A program that runs; it knows its line."""

    __slots__ = ("frame", "send", "source")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], frame: Frame, source: Source) -> None:
        super().__init__(coroutine)
        self.send, self.frame, self.source = coroutine.send, frame, source

    @property
    def line(self) -> str:
        """ " (file:line)" of the statement that runs."""
        return f" ({self.source.path}:{self.frame.here.span.line})"


class Entry(Defined):
    """A program. Called, it begins to run, as an `async def` does."""

    def __init__(self, definition: Definition, limits: Limits, source: Source) -> None:
        super().__init__(definition, limits)
        self.source = source
        self.body: tuple[bool, Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Running:
        return self.start(self.from_outside(args, kwargs), Meter(self.limits), 0)

    def start(self, values: list[Any], meter: Meter, depth: int) -> Running:
        frame = self.frame(values, meter, depth)
        return Running(self._run(frame), frame, self.source)

    async def _run(self, frame: Frame) -> Any:
        assert self.body is not None, "a module is compiled as a whole"
        waits, body = self.body
        if waits:
            await body(frame)
        else:
            body(frame)
        return frame.result

    def __repr__(self) -> str:
        return f"<program {self.name!r}>"


class Nested:
    """A program called by another: it shares the meter of the run, and knows how deep it is."""

    __slots__ = ("depth", "entry", "meter")

    def __init__(self, entry: Entry, meter: Meter, depth: int) -> None:
        self.entry, self.meter, self.depth = entry, meter, depth

    def __call__(self, values: tuple[Any, ...]) -> Running:
        return self.entry.start(list(values), self.meter, self.depth)


def program_call(within: Expressions, node: n.Expression) -> tuple[list[Hoist], Evaluate] | None:
    """Where the expression is a call of a program: the effects of its arguments, and what makes its invocation."""
    if not isinstance(node, n.Call):
        return None
    where, name = within.globals, ""
    if isinstance(node.function, n.Name) and within.scope.find(node.function.id) is None:
        name = node.function.id
    elif isinstance(node.function, n.Member) and (module := module_of(within, node.function)) is not None:
        where, name = module, node.function.name
    if where.roles.get(name) != "program":
        return None
    within.hoists = []
    values, keywords = arguments(within, node)
    hoists, within.hoists = within.hoists, None
    return hoists, _invocation(within, node, within.of_globals(node, where, name), values, keywords)


def _invocation(
    within: Expressions, node: n.Call, read: Callable[[Frame], Any], values: list[Evaluate], keywords: tuple[str, ...],
) -> Evaluate:
    failed, count, steps = within.source.failed, len(node.arguments), 1 + length(node)
    order: list[int | None] = []

    def run(f: Frame) -> Invocation[Any]:
        entry: Entry = read(f).fn
        given = [value(f) for value in values]
        try:
            f.meter.charge(steps)
            if f.depth + 1 >= f.meter.limits.recursion:
                raise OverLimit("recursion", f.meter.limits.recursion, f"{entry.name} calls itself too deeply")
            if len(order) != len(entry.definition.parameters):
                order[:] = parameters(entry.definition, count, keywords)
            bound = tuple(entry.value(i, given, place) for i, place in enumerate(order))
        except Exception as error:
            raise failed(node, error) from None
        return Invocation(Nested(entry, f.meter, f.depth + 1), (bound,), None, entry.name)

    return run

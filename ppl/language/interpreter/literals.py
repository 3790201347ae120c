"""Literals as closures: numbers, texts with what they interpolate, lists and dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import nodes as n
from ..containers import items
from ..show import formatted, show
from ..values import table
from .frame import Frame

if TYPE_CHECKING:
    from .expressions import Evaluate, Expressions


def literal(within: Expressions, node: n.Number | n.Constant) -> Evaluate:
    value = node.value
    if type(value) is int and value.bit_length() * 3 // 10 > within.globals.limits.digits:
        raise within.source.error(node, "limit", "an integer has too many digits: the limit is "
                                               f"{within.globals.limits.digits:,} (digits)",
                                  "write a float, such as 1e100")
    return lambda f: value


def string(within: Expressions, node: n.String) -> Evaluate:
    if all(isinstance(part, str) for part in node.parts):
        text = "".join(map(str, node.parts))
        return lambda f: text
    parts: list[str | tuple[Evaluate, str | None, n.Node]] = [
        part if isinstance(part, str) else (within.compile(part.value), part.format, part) for part in node.parts
    ]
    failed = within.source.failed

    def join(f: Frame) -> str:
        texts = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            value = part[0](f)
            try:
                texts.append(show(f.meter, value) if part[1] is None else formatted(f.meter, value, part[1]))
            except Exception as error:
                raise failed(part[2], error) from None
        try:
            f.meter.text(sum(map(len, texts)))
        except Exception as error:
            raise failed(node, error) from None
        return "".join(texts)

    return join


def list_of(within: Expressions, node: n.ListOf) -> Evaluate:
    parts = [within.compile(item) for item in node.items]
    failed = within.source.failed

    def make(f: Frame) -> Any:
        values = [part(f) for part in parts]
        try:
            f.meter.charge(1 + len(values) // 16)
            return items(values, f.meter.limits)
        except Exception as error:
            raise failed(node, error) from None

    return make


def dict_of(within: Expressions, node: n.DictOf) -> Evaluate:
    pairs = [(within.compile(key), within.compile(value)) for key, value in node.pairs]
    failed = within.source.failed

    def make(f: Frame) -> Any:
        values = [(key(f), value(f)) for key, value in pairs]
        try:
            f.meter.charge(1 + len(values) // 8)
            return table(values, f.meter.limits)
        except Exception as error:
            raise failed(node, error) from None

    return make

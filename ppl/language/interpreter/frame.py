"""`Frame`: the local values of one execution of a definition."""

from __future__ import annotations

from typing import Any

from ..limits import Meter
from ..nodes import Node


class Frame:
    """values: by the slots that the scope gave to names. here: the statement that runs. depth: how many programs are
    around it. result: what `return` returned."""

    __slots__ = ("depth", "here", "meter", "result", "values")

    def __init__(self, values: list[Any], meter: Meter, here: Node, depth: int = 0) -> None:
        self.values, self.meter, self.here, self.depth = values, meter, here, depth
        self.result: Any = None


class _Unset:
    def __repr__(self) -> str:
        return "<unset>"


UNSET = _Unset()
"""In the slot of a name that has no value yet."""

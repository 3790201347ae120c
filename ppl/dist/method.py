"""Records made from records: `.to_event`, `.expand`, `.mask`, applied by NumPyro when the group is evaluated; and
NumPyro objects taken as they are."""

from __future__ import annotations

import inspect
from typing import Any

from .maker import Maker

_KIND = inspect.Parameter.POSITIONAL_OR_KEYWORD


class Method(Maker):
    """`base.name(argument)` of NumPyro, as a maker of records over `(base, argument)`."""

    def __init__(self, name: str, static: bool) -> None:
        parameters = tuple(inspect.Parameter(p, _KIND) for p in ("base", "argument"))
        super().__init__(name, parameters, frozenset({"argument"} if static else ()), frozenset())

    def construct(self, arguments: dict[str, Any], validate: bool) -> Any:
        return getattr(arguments["base"], self.name)(arguments["argument"])

    def show(self, names: tuple[str, ...], shown: list[str]) -> str:
        return f"{shown[0]}.{self.name}({'' if shown[1] == 'None' else shown[1]})"

    def __reduce__(self) -> Any:
        return f"_{self.name.upper()}"


class Wrapper(Maker):
    """A NumPyro object as a record: its pytree gives the structure and the leaves, so equal structures group."""

    def __init__(self) -> None:
        super().__init__("numpyro", (inspect.Parameter("object", _KIND),), frozenset(), frozenset())

    def construct(self, arguments: dict[str, Any], validate: bool) -> Any:
        found = arguments["object"]
        if validate:
            found.validate_args(strict=False)
        return found

    def show(self, names: tuple[str, ...], shown: list[str]) -> str:
        return shown[0]

    def __reduce__(self) -> Any:
        return "WRAPPED"


_TO_EVENT = Method("to_event", static=True)
_EXPAND = Method("expand", static=True)
_MASK = Method("mask", static=False)
METHODS = {m.name: m for m in (_TO_EVENT, _EXPAND, _MASK)}
WRAPPED = Wrapper()

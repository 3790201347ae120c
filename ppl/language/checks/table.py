"""The built-ins, for the checks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ..library.signature import Builtin, Kind


class Table:
    """functions and distributions by name; members by the kind of value they belong to."""

    def __init__(
        self, functions: Mapping[str, Builtin], members: Mapping[Kind, Mapping[str, Builtin]],
        distributions: Mapping[str, Builtin],
    ) -> None:
        self.functions, self.members, self.distributions = functions, members, distributions


@cache
def library() -> Table:
    from ..library import DISTRIBUTIONS, FUNCTIONS, MEMBERS

    return Table(FUNCTIONS, MEMBERS, DISTRIBUTIONS)

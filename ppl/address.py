"""Addresses: where a site is in the tree of scopes.

An address is a flat tuple ``(name, k, name, k, ..., name, k)``: one pair for every scope from the outside in, the
last pair being the site itself. `k` counts the uses of a name inside one scope, so a loop needs no hand-made names.
Written as text, scopes are joined by "/" and "#k" is left out when k is 0: ``"line#1/token#5"``. Names that are no
strings, contain "/" or end in "#" and digits can only be given as a tuple.
"""

from __future__ import annotations

from collections.abc import Hashable

Address = tuple[Hashable, ...]


def format_address(address: Address) -> str:
    parts = []
    for name, k in zip(address[::2], address[1::2], strict=True):
        parts.append(f"{name}#{k}" if k else f"{name}")
    return "/".join(parts)


def parse_address(where: Hashable) -> Address:
    """Read what `format_address` writes. Tuples pass; a tuple of names alone gets k = 0 everywhere, as does any other
    name."""
    if isinstance(where, tuple):
        if len(where) % 2 == 0 and all(type(k) is int for k in where[1::2]):
            return where
        return tuple(x for name in where for x in (name, 0))
    if not isinstance(where, str):
        return (where, 0)
    pairs: list[Hashable] = []
    for part in where.split("/"):
        name, sign, k = part.rpartition("#")
        if sign and k.isdigit():
            pairs += [name, int(k)]
        else:
            pairs += [part, 0]
    return tuple(pairs)

"""What errors of traced programs say: which site is to blame, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..address import Address, format_address
from ..errors import TracedControlFlow

_BLAMED = re.compile(r"values\[(\d+)\]")


def located(error: TracedControlFlow, addresses: Sequence[Address]) -> TracedControlFlow:
    """The same error with the sites that the value depends on, as far as JAX can tell, and with what to do. addresses:
    of the sites that are traced as values[0], values[1], ..."""
    told = {int(i) for i in _BLAMED.findall(str(error.__cause__))}
    blamed = [a for i, a in enumerate(addresses) if i in told] or list(addresses)
    return TracedControlFlow(f"{error}. It depends on {names_of(blamed)}: {advice(blamed)}")


def advice(addresses: Sequence[Address]) -> str:
    return f"move that without a gradient, by Gibbs({{{format_address(addresses[0])!r}: site(), ...}}) or MH"


def names_of(addresses: Sequence[Address]) -> str:
    shown = [repr(format_address(a)) for a in addresses[:6]]
    return ", ".join(shown) + (", ..." if len(addresses) > 6 else "")

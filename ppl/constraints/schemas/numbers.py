"""Bounds and divisors of numbers, as the engine gets them right."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any

from .errors import Path, refusal

EXACT = 2**53
"""The engine holds bounds as doubles: beyond this an integer may become another one."""
DIGITS, PLACES = 15, 22
"""Decimals of so many digits, and so many behind the point, reach the engine as they are; its reader does not round
others correctly."""
MULTIPLES = 10**5
"""The engine counts remainders in the states of an automaton: more of them are too slow, or too many."""
_UP, _DOWN = Context(prec=DIGITS, rounding=ROUND_CEILING), Context(prec=DIGITS, rounding=ROUND_FLOOR)


def rewrite(node: dict[str, Any], kinds: list[str], path: Path) -> list[Any]:
    """The keywords of numbers, as schemas to be met together.

    The engine reads exclusive bounds wrongly (``exclusiveMinimum: 0, maximum: 0.5`` lets 0 through), and a number with
    more digits than a double holds rounds onto the bound: ``x < 1`` becomes ``x <= 0.999999999999999``, which is right
    for exact readers of numbers and for those that round. What its expressions miss is added: under a bound of 2.25
    they have no 2.2, and among the multiples of 0.25 no 0.5 (but 0.50).
    """
    alone = {"type": kinds[0]} if len(kinds) == 1 else {}
    found = _bounds(node, path)
    out: list[Any] = [alone | found] if found else []
    beginnings = _beginnings(found) if "number" in kinds else []
    if beginnings:
        out = [{"anyOf": [alone | found, {"enum": beginnings}]}]
    if "multipleOf" in node:
        exact = Fraction(str(node["multipleOf"]))
        options = [alone | {"multipleOf": node["multipleOf"]}]
        options += [alone | {"multipleOf": float(_common(exact, Fraction(1, 10**places)))}
                    for places in range(1, _places(node["multipleOf"])) if "number" in kinds]
        out.append(options[0] if len(options) == 1 else {"anyOf": options})
    return out


def _bounds(node: dict[str, Any], path: Path) -> dict[str, Any]:
    """minimum and maximum, both inclusive."""
    out: dict[str, Any] = {}
    for key, exclusive, up in (("minimum", "exclusiveMinimum", True), ("maximum", "exclusiveMaximum", False)):
        found = []
        if key in node:  # in draft 4 the exclusive bound is a word about the other one
            found.append(_inside(node[key], up, node.get(exclusive) is True, (*path, key)))
        if not isinstance(node.get(exclusive, False), bool):
            found.append(_inside(node[exclusive], up, True, (*path, exclusive)))
        if found:
            out[key] = max(found) if up else min(found)
    return out


def _beginnings(bounds: dict[str, Any]) -> list[float]:
    """The decimals inside the bounds that one of the bounds begins with, and the bounds."""
    found = set[float]()
    for bound in bounds.values():
        for places in range(1, _places(bound) + 1):
            found.add(float(Decimal(repr(bound)).quantize(Decimal((0, (1,), -places)), ROUND_DOWN, Context(prec=60))))
    low, high = bounds.get("minimum", -math.inf), bounds.get("maximum", math.inf)
    return sorted(value for value in found if low <= value <= high and not value.is_integer())


def _places(number: int | float) -> int:
    """Digits behind the point."""
    return max(0, -int(Decimal(repr(number)).normalize().as_tuple().exponent))


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The least common multiple."""
    unit = math.lcm(a.denominator, b.denominator)
    return Fraction(math.lcm(int(a * unit), int(b * unit)), unit)


def _inside(bound: int | float, up: bool, strictly: bool, path: Path) -> int | float:
    """The outermost number that the engine reads exactly and that is inside of a bound."""
    if abs(bound) >= EXACT - 1:
        raise refusal(path, f"{bound} is too large to be a bound", "Bounds are smaller than 2**53.")
    if isinstance(bound, int) and (not strictly or abs(bound) >= 10 ** (DIGITS - 1)):
        return bound + (strictly if up else -strictly)
    exact, context = Decimal(repr(bound)), _UP if up else _DOWN
    near = exact.quantize(Decimal((0, (1,), -PLACES)), context.rounding, Context(prec=60))
    near = context.plus(near)
    if near == exact and strictly:
        least = Decimal((0, (1,), -PLACES))
        step = context.next_plus(near) - near if up else near - context.next_minus(near)
        near = near + max(step, least) if up else near - max(step, least)
    return float(near)


def check_constant(value: Any, path: Path) -> None:
    """Raises BadSource where a constant holds a number that the engine would take for another one."""
    if isinstance(value, dict | list):
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            check_constant(part, (*path, step))
    if isinstance(value, float):
        _, digits, places = Decimal(repr(value)).normalize().as_tuple()
        exact = len(digits) <= DIGITS and int(places) >= -PLACES and abs(value) < EXACT
    else:
        exact = not isinstance(value, int) or abs(value) < EXACT
    if not exact:
        raise refusal(path, f"{value} has too many digits", f"Integers in `const` and `enum` are smaller than 2**53, "
                      f"other numbers have up to {DIGITS} digits.")


def check_divisors(divisors: dict[int | float, Path]) -> None:
    """Raises BadSource for divisors whose common multiple the engine cannot hold: it counts in units of the smallest
    decimal place, in 32 bits, and does not notice an overflow."""
    exact = {Fraction(str(divisor)): path for divisor, path in divisors.items()}
    unit = 1
    while any(unit % divisor.denominator for divisor in exact):
        unit *= 10
    product = 1
    for divisor, path in exact.items():
        product *= int(divisor * unit)
        if product > MULTIPLES:
            raise refusal((*path, "multipleOf"), f"{float(divisor):g}: the multiples have too many digits",
                          "Use a divisor of fewer digits, and few different ones in one schema.")

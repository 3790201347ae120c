"""`involution`: a deterministic exchange between an execution and auxiliary draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from steersman.ppl.address import format_address, parse_address
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import SteersmanError, UnknownAddress
from steersman.ppl.trace import Trace

from ..chain import Chain
from .choices import choices_of
from .guide import run_guide
from .kernel import Move, Proposal
from .rerun import rerun

Guide = Callable[[Trace], Invocation[Any]]
Transform = Callable[[Trace, dict[str, Any]], tuple[Any, ...]]


class NotAnInvolution(SteersmanError, ValueError):
    """A transform that, applied twice, does not lead back."""


class Involution(Move):
    """Draw auxiliary values u ~ g(. | x) by a guide program, then exchange: (y, v) = h(x, u) with h(y, v) = (x, u).

        log ratio = log g(v | y) - log g(u | x) + log |det dh| + log q(what y lacks of x) - log q(what y has anew)

    ``transform(trace, u) -> (changes, v)`` or ``(changes, v, log_abs_det)``: u and v map the addresses of the guide's
    choices, as text, to values; `changes` maps addresses of the program's choices to their new values. Choices that y
    makes for the first time are drawn from the program. log_abs_det, 0 for discrete values, is that of the continuous
    ones. The way back is checked in every step. Source: Green 1995; Cusumano-Towner, Lew & Mansinghka 2020,
    "Automating involutive MCMC using probabilistic and differentiable programming".
    """

    def __init__(self, guide: Guide, transform: Transform) -> None:
        self.guide, self.transform = guide, transform

    @property
    def name(self) -> str:
        return f"involution({getattr(self.transform, '__name__', 'transform')})"

    async def propose(self, chain: Chain) -> Proposal | None:
        drawn, log_forward = await run_guide(chain, self.guide(chain.trace), None, self.name)
        u = {format_address(a): v for a, v in drawn.items()}
        changes, v, log_det = _result(self.name, self.transform(chain.trace, dict(u)))
        old = choices_of(chain.trace)
        impose = {parse_address(a): value for a, value in changes.items()}
        first = next((i for i, c in enumerate(old) if c.address in impose), None)
        if first is None:
            return None
        new = await rerun(chain, old, first, lambda address: False, impose=impose)
        if new.particle.dead:
            return Proposal(new.particle, -math.inf, first / len(old))
        here = {c.address for c in new.new}
        if missed := [format_address(a) for a in impose if a not in here]:
            raise UnknownAddress(f"{self.name} changes {', '.join(missed)}, which the program does not choose then")
        trace = new.particle.partial_trace()
        self._check_way_back(chain.trace, trace, u, v)
        back = {parse_address(a): value for a, value in v.items()}
        asked, log_back = await run_guide(chain, self.guide(trace), back, self.name)
        if asked.keys() != back.keys():
            log_back = -math.inf
        lost = sum(c.log_q() for c in old[first:] if c.address not in new.kept | impose.keys())
        found = sum(c.log_q() for c in new.new[first:] if c.address not in new.kept | impose.keys())
        return Proposal(new.particle, log_back - log_forward + log_det + lost - found, first / len(old))

    def _check_way_back(self, x: Trace, y: Trace, u: Mapping[str, Any], v: Mapping[str, Any]) -> None:
        changes, u_again, _ = _result(self.name, self.transform(y, dict(v)))
        before = x.choices()
        for address, value in changes.items():
            old = before.get(parse_address(address))
            if not _same(old, value):
                raise NotAnInvolution(f"{self.name} applied twice sets {address} to {value!r:.60}; it was {old!r:.60}")
        if u.keys() != u_again.keys() or not all(_same(u[a], u_again[a]) for a in u):
            raise NotAnInvolution(f"{self.name} applied twice gives the auxiliary values {u_again!r:.80}; they were "
                                  f"{u!r:.80}")


def involution(guide: Guide, transform: Transform) -> Involution:
    """A move that exchanges choices with auxiliary draws: ``MH(8, 500, involution(guide, swap))``. See `Involution`."""
    return Involution(guide, transform)


def _result(name: str, result: Any) -> tuple[Mapping[str, Any], Mapping[str, Any], float]:
    if not isinstance(result, tuple) or len(result) not in (2, 3):
        raise TypeError(f"{name}: transform(trace, u) returns (changes, v) or (changes, v, log_abs_det), got "
                        f"{result!r:.80}")
    changes, v, *log_det = result
    return changes, v, float(log_det[0]) if log_det else 0.0


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (float, np.floating, np.ndarray)) or isinstance(b, (float, np.floating, np.ndarray)):
        return a is not None and b is not None and bool(np.allclose(a, b, rtol=1e-6, atol=1e-9))
    return bool(a == b)

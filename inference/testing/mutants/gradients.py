"""Bugs of samplers that follow gradients, and all of them with the models on which they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...chain import Chain
from ...chain.target import Joint
from ...gibbs import Gibbs
from ...hamiltonian import NUTS
from ...kernels import conditional, nuts
from ...kernels.leapfrog import Settings, Transition
from ...kernels.nuts import Hamiltonian
from ...kernels.walker import Walker
from ...run.algorithm import Algorithm
from ..continuous import ContinuousModel, clusters_model, judge_model
from .catalogue import _line

if TYPE_CHECKING:
    from collections.abc import Hashable

    from steersman.ppl.density import Layout


@dataclass(frozen=True)
class GradientMutant:
    """A known bug, planted in a real method. planted, correct: the method with the bug and without. guarded: whether
    the check of every step against the program (`DensityMismatch`) sees it at once, where it is not switched off."""

    name: str
    bug: str
    planted: Algorithm[Any]
    correct: Algorithm[Any]
    model: ContinuousModel
    guarded: bool


class JacobianForgotten(Hamiltonian):
    """The potential lacks the log-determinant of the bijection to the real numbers."""

    def compiled(self, layout: Layout) -> Transition:
        return _without_jacobian(layout, self.settings.path)


class _WithoutJacobian(Transition):
    def density(self, u: Any, given: Any, weights: Any) -> tuple[Any, Any, Any]:
        x, log_p, log_det = super().density(u, given, weights)
        return x, log_p, 0.0 * log_det


@lru_cache(maxsize=16)
def _without_jacobian(layout: Layout, settings: Settings) -> Transition:
    return _WithoutJacobian(layout, settings)


class StaleArguments(Hamiltonian):
    """The density is that of the first step, although the discrete choices have changed since."""

    rounding = math.inf

    def _walker(self, chain: Chain) -> Walker | None:
        walker = super()._walker(chain)
        if walker is not None:
            walker.density, walker.arguments = chain.memory.setdefault(
                "first", (walker.density, walker.arguments)
            )
        return walker


class _PriorTwice(Joint):
    def power(self, kind: str, name: Hashable) -> float:
        return 2.0 if kind == "sample" else 1.0


class PriorTwice(Hamiltonian):
    """The potential counts the densities of the choices twice."""

    rounding = math.inf

    async def step_all(self, chains: Sequence[Chain], *, follow: bool = True) -> None:
        for chain in chains:
            chain.target = _PriorTwice()
        await super().step_all(chains, follow=follow)


class _Planted(NUTS):
    def __init__(self, mutant: type[Hamiltonian], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kernel = mutant(self.kernel.verb, self.kernel.names, self.kernel.settings)


def gradient_mutants(chains: int = 100, steps: int = 80, warmup: int = 80) -> list[GradientMutant]:
    """All of them."""
    judge, clusters = judge_model(), clusters_model("number")
    given: dict[str, Any] = {"warmup": warmup, "thin": 4}

    def gibbs(kernel: Hamiltonian) -> Gibbs:
        return Gibbs({("m", "s", "w"): kernel, "z": conditional()}, chains, steps, **given)

    plain = NUTS(chains, steps, **given)
    stale = StaleArguments("nuts", (), nuts().settings)
    return [
        GradientMutant("Jacobian forgotten", _line(JacobianForgotten),
                       _Planted(JacobianForgotten, chains, steps, **given), plain, judge, False),
        GradientMutant("prior counted twice", _line(PriorTwice), _Planted(PriorTwice, chains, steps, **given), plain,
                       judge, True),
        GradientMutant("stale arguments", _line(StaleArguments), gibbs(stale), gibbs(nuts()), clusters, True),
    ]

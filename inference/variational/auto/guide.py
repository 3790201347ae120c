"""`AutoGuide`: continuous and finite choices, each in its way."""

from __future__ import annotations

from typing import Any

from steersman.ppl.address import Address, format_address
from steersman.ppl.errors import SteersmanError
from steersman.ppl.program import as_invocation

from .discrete import AutoDiscrete, nothing_to_choose
from .finite_site import FiniteSite
from .gaussian import Choices, Gaussian
from .normal import AutoNormal
from .real_site import RealSite

_NONE: Choices = {}


class NoAutomaticGuide(SteersmanError, TypeError):
    """A choice that is neither continuous nor of finite support."""


class AutoGuide:
    """An automatic guide for every choice of a program: continuous ones by `continuous`, those of finite support by
    logits (`AutoDiscrete`), point masses by themselves.

    continuous: a `Gaussian` guide of this program, an `AutoNormal` by default. `at` raises NoAutomaticGuide for
    anything else: a text, or a count without a bound.
    """

    def __init__(self, program: Any, continuous: Gaussian | None = None, *, init_scale: float = 0.1) -> None:
        self.program = as_invocation(program)
        self.continuous = AutoNormal(self.program, init_scale=init_scale) if continuous is None else continuous
        self.discrete = AutoDiscrete(self.program)

    @property
    def trainables(self) -> list[Any]:
        return [self.continuous, self.discrete]

    def initialise(self, seed: int = 0, executions: int = 4) -> None:
        """Make the parameters of the sites that so many executions of the program meet."""
        from .initial import meet

        meet(self.program, self._meet, seed, executions)

    def at(self, address: Address, dist: Any, chosen: Choices = _NONE) -> RealSite | FiniteSite | None:
        """q of a site, given the choices made before it; None for a point mass.

        dist: of the site in the program. chosen: address -> (distribution in the program, value).
        """
        found = self.continuous.at(address, dist, chosen) or self.discrete.at(address, dist)
        if found is None:
            self._refuse(address, dist)
        return found

    def _meet(self, address: Address, dist: Any) -> None:
        if self.continuous.meet(address, dist) is None and self.discrete.at(address, dist) is None:
            self._refuse(address, dist)

    def _refuse(self, address: Address, dist: Any) -> None:
        """Raise NoAutomaticGuide, unless there is nothing to choose."""
        if not nothing_to_choose(dist):
            what = "is a text" if hasattr(dist, "begin") else "is neither continuous nor of finite support"
            raise NoAutomaticGuide(
                f"no automatic guide for sample {format_address(address)!r} of {self.program!r}: {dist!r:.60} {what}. "
                "Write a guide program that proposes it: by a language model with a trainable part "
                "(steersman.models.adapters), or by a Family"
            )

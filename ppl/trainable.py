"""Distributions with parameters that are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .protocols import Floats


class Trainable(Protocol):
    """Parameters theta that the densities of some distributions depend on, and the gradient of these densities.

    name: the key of the parameters where guides are saved. params: a pytree of floating arrays, which is replaced as a
    whole; draws and densities use the present one. The distributions themselves are ordinary ones that have this
    object as their attribute `trainable`. A trainable that needs the execution around a distribution has a method
    ``bind(dist, trace, address, role)``; what it returns is then a member in place of the distribution. role: "p" for a
    density of the program, "q" for one of what draws.
    """

    @property
    def name(self) -> str: ...

    @property
    def params(self) -> Any: ...

    @params.setter
    def params(self, new: Any) -> None: ...

    def gradient(self, members: Sequence[Any], values: Sequence[Any], weights: Floats) -> Any:
        """sum_i w_i grad_theta log q_i(x_i), a pytree like `params`; q_i are the members, x_i the values, w_i [n]."""
        ...


def trainable_of(dist: Any) -> Trainable | None:
    """What the density of a distribution depends on; None where nothing is learnt."""
    found: Trainable | None = getattr(dist, "trainable", None)
    return found

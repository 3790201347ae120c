"""Densities and probabilities do not mix: what a proposal draws must be of the kind of its target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import OutsideSupport

if TYPE_CHECKING:
    from .particle import Particle
    from .requests import Item


def check_measures(items: Sequence[Item]) -> None:
    """`check_measure` for draws whose proposals are of one family: once for each kind of target, as it takes longer
    than many a density."""
    kinds = {id(_kind(i.effect.dist)): i for i in items}
    for item in kinds.values():
        check_measure(item.particle, item.effect.dist, item.dist)


def _kind(dist: Any) -> Any:
    return getattr(dist, "maker", None) or getattr(dist, "trainable", None) or type(dist)


def check_measure(particle: Particle, target: Any, proposal: Any) -> None:
    """Raise OutsideSupport, naming the pending site, where one distribution has probabilities and the other a density:
    the ratio of these is no weight. Those that do not tell (an attribute `discrete`, True or False) are taken on trust.
    """
    q = getattr(proposal, "discrete", None)
    if q is None or (p := getattr(target, "discrete", None)) is None or p is q:
        return
    has = {True: "probabilities (discrete values)", False: "a density (continuous values)"}
    raise OutsideSupport(
        f"{particle.where()}: {target!r:.60} has {has[p]}, its proposal {proposal!r:.60} {has[q]}: no weight corrects "
        f"the one by the other. Propose from a {'discrete' if p else 'continuous'} distribution of the same support"
    )

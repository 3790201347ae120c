"""Which estimator a site gets: ``estimators={"topic": "enumerate"}``, by the name of the site."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

ESTIMATORS = ("score", "enumerate", "measure-valued", "reparameterised")
Estimators = Mapping[Hashable, str]


def checked(estimators: Estimators | None) -> Estimators:
    """Raises ValueError for a name that is none."""
    for site, name in (estimators or {}).items():
        if name not in ESTIMATORS:
            raise ValueError(f"estimators[{site!r}] = {name!r}: expected one of {', '.join(map(repr, ESTIMATORS))}")
    return estimators or {}

"""`numpyro.distributions`, as lazy records: the same names and arguments, evaluated in groups.

``dist.Normal(0.0, 1.0)`` costs a microsecond and computes nothing; the driver evaluates all the particles that ask
for one family of distributions by one call. A record whose parameters have batch dimensions is one joint
distribution over the whole array: its log density (nats) is the sum over the batch. `constraints`, `transforms` and
`biject_to` are NumPyro's own. Importing this module imports neither JAX nor NumPyro.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .convert import as_distribution as as_distribution
from .names import lookup, public_names
from .record import Record as Record

if TYPE_CHECKING:
    from .signatures import Bernoulli as Bernoulli
    from .signatures import Beta as Beta
    from .signatures import BetaBinomial as BetaBinomial
    from .signatures import Binomial as Binomial
    from .signatures import Categorical as Categorical
    from .signatures import Cauchy as Cauchy
    from .signatures import Dirichlet as Dirichlet
    from .signatures import DiscreteUniform as DiscreteUniform
    from .signatures import Exponential as Exponential
    from .signatures import Gamma as Gamma
    from .signatures import Geometric as Geometric
    from .signatures import HalfNormal as HalfNormal
    from .signatures import Laplace as Laplace
    from .signatures import LogNormal as LogNormal
    from .signatures import MultivariateNormal as MultivariateNormal
    from .signatures import Normal as Normal
    from .signatures import Poisson as Poisson
    from .signatures import StudentT as StudentT
    from .signatures import Uniform as Uniform

_OWN = ("Record", "as_distribution")


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return [*_OWN, *public_names()]
    found = lookup(name)
    globals()[name] = found  # the next look-up is an ordinary module attribute
    return found


def __dir__() -> list[str]:
    return sorted({*_OWN, *public_names()})

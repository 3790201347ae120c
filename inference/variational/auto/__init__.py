"""Guides that need no writing: every choice gets a distribution of its own, found by its address.

    guide = AutoGuide(model)                        # continuous choices: normal; finite ones: logits
    guide = AutoGuide(model, AutoMultivariateNormal(model))
    guide.initialise()
    guide.at(address, dist, chosen)                 # what it proposes for a choice of an execution

`gaussian`, `normal`, `multivariate_normal`, `real_site`: continuous choices, as normals on the real numbers.
`transport`, `score`: their compiled part. `discrete`, `finite_site`: choices of finite support. `guide`: both.
`initial`: where parameters start; `grow`: parameters of choices that are met later.
"""

from .discrete import AutoDiscrete
from .gaussian import Gaussian
from .grow import grown
from .guide import AutoGuide, NoAutomaticGuide
from .multivariate_normal import AutoMultivariateNormal
from .normal import AutoNormal

__all__ = [
    "AutoDiscrete", "AutoGuide", "AutoMultivariateNormal", "AutoNormal", "Gaussian", "NoAutomaticGuide", "grown",
]

"""`AutoNormal`: independent normals on the real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steersman.ppl.protocols import Floats

from .gaussian import Choices, Gaussian
from .real_site import Known, RealSite


class AutoNormal(Gaussian):
    """The mean-field guide of the continuous sites:  u_i ~ N(m_i, s_i^2), independent.

    See `Gaussian`. params: "loc" m and "raw_scale" softplus^-1(s), each {key of the site: array of the shape of its
    real numbers}. Source: Kucukelbir et al. 2017, "Automatic differentiation variational inference", section 2.3.
    """

    def moments(self, members: Sequence[RealSite]) -> tuple[Floats, Floats]:
        rows = [self.rows_of(m.key) for m in members]
        loc, raw = self.flat["loc"], self.flat["raw_scale"]
        return np.stack([loc[r] for r in rows]), np.logaddexp(0.0, np.stack([raw[r] for r in rows]))

    @staticmethod
    def standardise(flat: Any, at: Any, u: Any, real: Any) -> tuple[Any, Any]:
        import jax.numpy as jnp
        from jax.nn import softplus

        scale = jnp.where(real, softplus(flat["raw_scale"][at]), 1.0)
        return (u - jnp.where(real, flat["loc"][at], 0.0)) / scale, jnp.log(scale)

    @staticmethod
    def place(flat: Any, at: Any, z: Any, real: Any) -> Any:
        import jax.numpy as jnp
        from jax.nn import softplus

        return jnp.where(real, flat["loc"][at] + softplus(flat["raw_scale"][at]) * z, z)

    def _given(self, chosen: Choices) -> tuple[Known, ...]:
        return ()

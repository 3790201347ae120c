"""`AutoMultivariateNormal`: one normal of full rank on the real numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.address import Address, format_address
from steersman.ppl.protocols import Floats

from .gaussian import Arrays, Choices, Gaussian
from .keys import key_of
from .real_site import Known, RealSite

_REMEMBERED = 1024  # conditionals, of one value of the parameters


class AutoMultivariateNormal(Gaussian):
    """The guide of full rank of the continuous sites:  u ~ N(m, L L'),  L = diag(s) (I + strictly lower triangle).

    Sites are chosen one after the other, in the order of the program, each from its conditional given the sites A that
    were chosen before it. With C = chol of the covariance of (A, i):

        u_i | u_A ~ N(m_i + C_iA C_AA^-1 (u_A - m_A), C_ii C_ii')

    so that the product over the sites of an execution is the marginal of N(m, L L') over these sites, whichever they
    are and in whatever order. See `Gaussian`. params: "loc" m, "raw_scale" softplus^-1(s), and "lower": the rows of
    the triangle, [d, numbers of the sites met before + d]; entries on and above the diagonal are not used. Source:
    Kucukelbir et al. 2017, "Automatic differentiation variational inference", section 2.3.
    """

    parts = ("loc", "raw_scale", "lower")

    def __init__(self, program: Any, *, init_scale: float = 0.1, name: str | None = None) -> None:
        super().__init__(program, init_scale=init_scale, name=name)
        self._factor: Floats | None = None
        self._conditionals: dict[tuple[str, ...], tuple[Floats, Floats]] = {}

    def moments(self, members: Sequence[RealSite]) -> tuple[Floats, Floats]:
        from .transport import real_numbers

        known = [k for m in members for k in m.given]
        numbers = iter(real_numbers([k.dist for k in known], [k.value for k in known]))
        loc = self.flat["loc"].astype(np.float64)
        locs, scales = [], []
        for m in members:
            slope, scale = self._conditional((*[k.key for k in m.given], m.key))
            here = loc[self.rows_of(m.key)]
            if m.given:
                away = np.concatenate([next(numbers) - loc[self.rows_of(k.key)] for k in m.given])
                here = here + slope @ away
            locs.append(here)
            scales.append(scale)
        return np.stack(locs), np.stack(scales)

    def _conditional(self, keys: tuple[str, ...]) -> tuple[Floats, Floats]:
        """C_iA C_AA^-1 and C_ii of the last of these sites given the others."""
        found = self._conditionals.get(keys)
        if found is None:
            at = np.concatenate([np.arange(s.start, s.stop) for s in map(self.rows_of, keys)])
            upper = np.linalg.qr(self._whole()[at].T, mode="r")  # R'R = L L' without squaring the condition of L
            c = (np.where(np.diag(upper) < 0, -1.0, 1.0)[:, None] * upper).T
            n = len(at) - self._width(keys[-1])
            slope = np.linalg.solve(c[:n, :n].T, c[n:, :n].T).T if n else np.zeros((len(at), 0))
            found = slope, c[n:, n:]
            if len(self._conditionals) >= _REMEMBERED:
                self._conditionals.clear()
            self._conditionals[keys] = found
        return found

    def _whole(self) -> Floats:
        """L."""
        if self._factor is None:
            flat = {p: a.astype(np.float64) for p, a in self.flat.items()}
            scale = np.logaddexp(0.0, flat["raw_scale"])
            self._factor = scale[:, None] * np.tril(flat["lower"], -1) + np.diag(scale)
        return self._factor

    def scope(self, address: Address) -> Address:
        return address[:-2]

    @staticmethod
    def standardise(flat: Any, at: Any, u: Any, real: Any) -> tuple[Any, Any]:
        import jax.numpy as jnp
        from jax.scipy.linalg import solve_triangular

        c = _factor(flat, at, real)
        z = solve_triangular(c, u - jnp.where(real, flat["loc"][at], 0.0), lower=True)
        return z, jnp.log(jnp.diagonal(c))

    @staticmethod
    def place(flat: Any, at: Any, z: Any, real: Any) -> Any:
        import jax.numpy as jnp

        return jnp.where(real, flat["loc"][at], 0.0) + _factor(flat, at, real) @ z

    def _given(self, chosen: Choices) -> tuple[Known, ...]:
        from .transport import continuous

        known = []
        for address, choice in chosen.items():
            if not (isinstance(choice, tuple) and len(choice) == 2):
                raise TypeError(f"{self.name}.at: chosen[{format_address(address)!r}] must be a pair (distribution in "
                                f"the program, value), got {choice!r:.60}: the distribution says how the value is "
                                "written as real numbers")
            dist, value = choice
            found = continuous(dist)
            if found is not None and (key := key_of(address, found[1].real_shape)) in self._starts:
                known.append(Known(key, dist, value))
        return tuple(known)

    def _changed(self) -> None:
        super()._changed()
        self._factor = None
        self._conditionals.clear()

    def _in_order(self, params: Mapping[str, Arrays]) -> list[str]:
        lower, width = params["lower"], {k: v.size for k, v in params["loc"].items()}
        keys = sorted(lower, key=lambda k: (lower[k].shape[-1], k))
        ends = np.cumsum([width[k] for k in keys], dtype=int)
        for key, end in zip(keys, ends.tolist(), strict=True):
            if lower[key].shape != (width[key], end):
                raise ValueError(f"{self.name}: 'lower' of {key!r} has shape {lower[key].shape}, expected "
                                 f"{(width[key], end)}")
        return keys

    def _append(self, key: str) -> None:
        super()._append(key)
        lower = self._params["lower"]
        if key not in lower:
            self._params["lower"] = lower | {key: np.zeros((self._width(key), self._size), np.float32)}

    def _flattened(self, part: str, size: int) -> NDArray[np.float32]:
        if part != "lower":
            return super()._flattened(part, size)
        out = np.zeros((size, size), np.float32)
        for key, block in self._params["lower"].items():
            out[self.rows_of(key), : block.shape[1]] = block
        return out

    def _of_site(self, part: str, key: str, flat: NDArray[np.float32]) -> NDArray[np.float32]:
        if part != "lower":
            return super()._of_site(part, key, flat)
        return flat[self.rows_of(key), : self._params["lower"][key].shape[1]]


def _factor(flat: Arrays, at: Any, real: Any) -> Any:
    """The Cholesky factor of the covariance of the numbers `at`, of ones where `real` is false (traced)."""
    import jax.numpy as jnp
    from jax.nn import softplus

    scale = softplus(flat["raw_scale"])
    whole = scale[:, None] * jnp.tril(flat["lower"], -1) + jnp.diag(scale)
    rows = jnp.concatenate([jnp.where(real[:, None], whole[at], 0.0), jnp.diag(jnp.where(real, 0.0, 1.0))], 1)
    upper = jnp.linalg.qr(rows.T, mode="r")
    return (jnp.where(jnp.diagonal(upper) < 0, -1.0, 1.0)[:, None] * upper).T

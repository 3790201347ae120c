"""Drawing and weighing next tokens on the device: the two-level inverse CDF.

The vocabulary is cut into blocks of about sqrt(V) tokens. One uniform picks the block whose cumulative mass covers it
and what is left of the uniform picks the token inside, so a draw reads the logits once and sorts nothing.

Exactness. A float32 cumulative sum is only good to 6e-8 of the *total*, which would be 6 % of a token of mass 1e-6. So
(1) masses and uniforms are split on the grid 2^-24 into a coarse part, whose sums and differences are exact in float32,
and a fine remainder below 2^-24, whose sums are good to about 1e-13; and (2) the largest mass is moved to the end and
takes whatever the others leave, so that normalisation error lands where it is relatively smallest. An item of mass zero
is never returned, whatever the uniform.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

GRID = 2.0**24
COLDEST = 1e-20  # temperature 0 is its limit: all mass on the largest logits


class Weighed(NamedTuple):
    """The distributions of R rows: log p = `logits` - `log_z` plain, log q = `steered` - `log_norm` as asked."""

    logits: jax.Array  # [R, V]
    log_z: jax.Array  # [R]
    steered: jax.Array  # [R, V]
    log_norm: jax.Array  # [R]


def split_uniforms(u: NDArray[np.float64]) -> NDArray[np.float32]:
    """Uniforms [n] -> [n, 2]: multiples of 2^-24, and the rest."""
    coarse = np.floor(u * GRID) / GRID
    return np.stack([coarse, u - coarse], axis=1).astype(np.float32)


def block_size(V: int) -> int:
    """The divisor of V nearest to its root (no padding then) if there is one within a factor 2, else the root."""
    root = max(1, round(V**0.5))
    near = [b for b in range(max(1, root // 2), 2 * root + 1) if V % b == 0]
    return min(near, key=lambda b: abs(b - root), default=root)


def weigh(
    logits: jax.Array,
    log_z: jax.Array,
    rows: jax.Array | None,
    temperatures: jax.Array | None,
    masks: jax.Array | None,
) -> Weighed:
    """The rows [R] of the resident logits [S, V], or all of them, tempered and masked.

    Plain rows have their normaliser already. Otherwise the largest allowed logit is taken off first, so that a
    temperature near 0 overflows nothing. Masks are packed, [R, ceil(V / 32)]; a row of which nothing is left scores
    -inf everywhere.
    """
    l, z = (logits, log_z) if rows is None else (logits[rows], log_z[rows])
    if temperatures is None and masks is None:
        return Weighed(l, z, l, z)
    steered = l if masks is None else jnp.where(unpack(masks, l.shape[1]), l, -jnp.inf)
    peak = steered.max(-1, keepdims=True)
    steered = steered - jnp.where(jnp.isfinite(peak), peak, 0.0)
    if temperatures is not None:
        steered = steered / jnp.maximum(temperatures, COLDEST)[:, None]
    mass = jnp.exp(steered).sum(-1)
    return Weighed(l, z, steered, jnp.log(jnp.where(mass > 0, mass, 1.0)))


def unpack(packed: jax.Array, size: int) -> jax.Array:
    """The bits of packed masks [R, ceil(size / 32)], lowest first, as booleans [R, size]."""
    bits = (packed[:, :, None] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return bits.reshape(len(packed), -1)[:, :size].astype(jnp.bool_)


def draw(weighed: Weighed, uniforms: jax.Array) -> jax.Array:
    """Tokens [R] from the steered distributions, one uniform (two parts, [R, 2]) each."""
    R, V = weighed.steered.shape
    b = block_size(V)
    log_p = weighed.steered - weighed.log_norm[:, None]
    log_p = jnp.pad(log_p, ((0, 0), (0, -V % b)), constant_values=-jnp.inf).reshape(R, -1, b)
    block, rest = pick(jnp.exp(log_p).sum(-1), uniforms)
    inside = jnp.take_along_axis(log_p, block[:, None, None], axis=1)[:, 0]
    token, _ = pick(jnp.exp(inside), rest)
    return block * b + token


def pick(masses: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The item of `masses` [R, n] that each uniform u [R, 2] falls on, and what is left of the uniform inside it.

    Order: all items but the largest, as they come; then the largest, which covers the rest of the line.
    """
    n = masses.shape[1]
    largest = masses.argmax(-1)
    others = jnp.where(jnp.arange(n) == largest[:, None], 0.0, masses)
    coarse = jnp.floor(others * GRID) / GRID
    fine = others - coarse
    coarse_end, fine_end = jnp.cumsum(coarse, -1), jnp.cumsum(fine, -1)
    covers = (others > 0) & ((coarse_end - u[:, :1]) + (fine_end - u[:, 1:]) > 0)
    found = covers.any(-1)
    index = jnp.where(found, covers.argmax(-1), largest)
    last = jnp.where(found, index, n - 1)[:, None]  # the largest starts where the others end
    start = jnp.concatenate(
        [jnp.take_along_axis(end - part, last, 1) for end, part in ((coarse_end, coarse), (fine_end, fine))], -1
    )
    end = jnp.concatenate([coarse_end[:, -1:], fine_end[:, -1:]], -1)
    return index, u - jnp.where(found[:, None], start, end)


def log_probs_of(weighed: Weighed, tokens: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(log q, log p) of tokens [R]: steered and plain, each [R]."""
    at = tokens[:, None]
    log_q = jnp.take_along_axis(weighed.steered, at, 1)[:, 0] - weighed.log_norm
    return log_q, jnp.take_along_axis(weighed.logits, at, 1)[:, 0] - weighed.log_z

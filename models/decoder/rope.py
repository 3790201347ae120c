"""Rotary position embedding (Su et al. 2021, "RoFormer", section 3.4.2), in the half-split form of Llama.

Pair (x_i, x_{i + D/2}) is turned by the angle m f_i at position m, with f_i = theta^(-2i/D); so the score of a query
and a key depends on the distance of their positions only, and a key can be rotated once, when it is stored.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from .config import Rope


def frequencies(rope: Rope, head_dim: int) -> NDArray[np.float32]:
    """Angle by position, radians per token, shape [D/2]."""
    f = 1.0 / rope.theta ** (np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim))
    if rope.kind == "linear":  # positions are divided by the factor (Chen et al. 2023, "Position interpolation")
        f = f / rope.factor
    elif rope.kind == "llama3":  # slow waves are stretched, fast ones kept, the ones between blended (Llama 3.1)
        waves = 2 * math.pi / f
        low, high = rope.original_length / rope.low_freq_factor, rope.original_length / rope.high_freq_factor
        span = rope.high_freq_factor - rope.low_freq_factor
        blend = np.clip((rope.original_length / waves - rope.low_freq_factor) / (span or 1.0), 0.0, 1.0)
        between = (1 - blend) * f / rope.factor + blend * f
        f = np.where(waves > low, f / rope.factor, np.where(waves < high, f, between))
    return f.astype(np.float32)


def rotate(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    """Turn x [B, C, heads, D] by the angles whose cosines and sines have shape [B, C, 1, D/2]."""
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)

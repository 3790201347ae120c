"""Rotary position embedding (Su et al. 2021, "RoFormer", section 3.4.2), in the half-split form of Llama.

Pair (x_i, x_{i + r/2}) of the first r entries of a head is turned by the angle m f_i at position m, with
f_i = theta^(-2i/r); so the score of a query and a key depends on the distance of their positions only, and a key can be
rotated once, when it is stored. r is the head size D unless rotation is partial.

Ways to stretch the frequencies to longer contexts: "linear" (Chen et al. 2023, "Position interpolation"), "llama3"
(Llama 3.1), "yarn" (Peng et al. 2023), "longrope" (Ding et al. 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rope:
    """Base, and how long contexts rescale its frequencies."""

    theta: float = 10000.0
    kind: str = "default"  # default | linear | llama3 | yarn | longrope
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_length: int = 8192
    fraction: float = 1.0  # of the head that is turned
    amplitude: float = 1.0  # the turned part of queries and keys grows by this
    beta_fast: float = 32.0  # yarn: waves that turn more often than this within the original length are kept
    beta_slow: float = 1.0  # yarn: those that turn less often than this are stretched by the whole factor
    truncate: bool = True
    divisors: tuple[float, ...] = ()  # longrope: of each frequency


def frequencies(rope: Rope, head_dim: int) -> Floats:
    """Angle by position, radians per token, shape [r/2]."""
    r = int(head_dim * rope.fraction)
    f: Floats = np.float32(1.0) / np.power(np.float32(rope.theta), np.arange(0, r, 2, dtype=np.float32) / np.float32(r))
    if rope.kind == "linear":
        f = f / rope.factor
    elif rope.kind == "llama3":
        f = _llama3(rope, f)
    elif rope.kind == "yarn":
        f = _yarn(rope, f, r)
    elif rope.kind == "longrope":
        divisors: Floats = np.asarray(rope.divisors, np.float32)
        f = f / divisors
    return f.astype(np.float32)


def _llama3(rope: Rope, f: Floats) -> Floats:
    """Slow waves are stretched, fast ones kept, the ones between blended."""
    waves = 2 * math.pi / f
    low, high = rope.original_length / rope.low_freq_factor, rope.original_length / rope.high_freq_factor
    span = rope.high_freq_factor - rope.low_freq_factor
    blend = np.clip((rope.original_length / waves - rope.low_freq_factor) / (span or 1.0), 0.0, 1.0)
    between = (1 - blend) * f / rope.factor + blend * f
    return np.where(waves > low, f / rope.factor, np.where(waves < high, f, between)).astype(np.float32)


def _yarn(rope: Rope, f: Floats, r: int) -> Floats:
    """The same, blended linearly in the index of the frequency (section 3.2, "NTK-by-parts")."""

    def index(turns: float) -> float:
        return r * math.log(rope.original_length / (turns * 2 * math.pi)) / (2 * math.log(rope.theta))

    low, high = index(rope.beta_fast), index(rope.beta_slow)
    if rope.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, r - 1)
    stretch = np.clip((np.arange(r // 2) - low) / (high - low or 0.001), 0.0, 1.0)
    blended: Floats = (f / rope.factor * stretch + f * (1 - stretch)).astype(np.float32)
    return blended


def turns(rope: Rope, f: jax.Array, at: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cosines and sines [B, C, 1, r/2] of the angles at positions `at` [B, C]."""
    angles = at[..., None] * f
    cos, sin = jnp.cos(angles)[:, :, None], jnp.sin(angles)[:, :, None]
    return (cos, sin) if rope.amplitude == 1.0 else (rope.amplitude * cos, rope.amplitude * sin)


def rotate(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    """Turn the first r entries of each head of x [B, C, heads, D]; cosines and sines from `turns`."""
    half = cos.shape[-1]
    a, b = x[..., :half], x[..., half : 2 * half]
    rest = [x[..., 2 * half :]] if 2 * half < x.shape[-1] else []
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin, *rest], axis=-1)

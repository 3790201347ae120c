"""Attention over trunk and own cache, alone."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from steersman.models.decoder.attention import Sight, attend


def test_split_equals_monolithic() -> None:
    """Law: attention split over trunk and cache equals attention over both together, for any share of the trunk."""
    rng = np.random.default_rng(0)
    B, C, K, G, D, T, P = 5, 3, 2, 2, 8, 6, 9
    q = rng.normal(size=(B, C, K, G, D)).astype(np.float32) * 3
    keys, values = rng.normal(size=(B, K, D, T)), rng.normal(size=(B, K, T, D))
    trunk_k, trunk_v = rng.normal(size=(K, D, P)), rng.normal(size=(K, P, D))
    bases = np.array([0, 1, 4, 8, 9])
    visible = np.arange(T) <= np.arange(C)[:, None] + np.array([0, 1, 2, 3, 3])[:, None, None]
    trunk_visible = np.arange(P) < bases[:, None]

    def f32(a: np.ndarray) -> jnp.ndarray:
        return jnp.asarray(a, jnp.float32)

    seen = Sight(*(jnp.where(x, 0.0, -jnp.inf) for x in (visible, trunk_visible[:, None])))
    got = attend(f32(q), f32(keys), f32(values), (f32(trunk_k), f32(trunk_v)), seen)
    for b in range(B):
        k = np.concatenate([np.broadcast_to(trunk_k, (K, D, P))[..., : bases[b]], keys[b]], -1)
        v = np.concatenate([trunk_v[:, : bases[b]], values[b]], 1)
        for c in range(C):
            seen = np.concatenate([np.ones(bases[b], bool), visible[b, c]])
            s = np.einsum("kgd,kdt->kgt", q[b, c], k) / np.sqrt(D)
            e = np.exp(s - s.max()) * seen
            want = np.einsum("kgt,ktd->kgd", e / e.sum(-1, keepdims=True), v)
            np.testing.assert_allclose(got[b, c], want, rtol=0, atol=1e-5)

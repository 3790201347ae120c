"""Slots on the move between devices: what XLA would gather whole arrays for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from .placement import PARTICLES, WEIGHTS, Placement, Tree, spec

if TYPE_CHECKING:
    from .forward import Cache


def copy_slots(
    cache: Cache, sources: jax.Array, targets: jax.Array, count: jax.Array, placement: Placement
) -> Cache:
    """The first `count` copies, one after the other: the device that holds a source shows it to all, the one that holds
    its target keeps it. What travels is one slot a copy; XLA, left to itself, would gather the whole cache instead.
    """

    def on_device(cache: Cache, sources: jax.Array, targets: jax.Array, count: jax.Array) -> Cache:
        me, share = jax.lax.axis_index(PARTICLES), cache.keys[0].shape[0]

        def copy(i: jax.Array, cache: Cache) -> Cache:
            source, target = sources[i], targets[i]

            def show(a: jax.Array) -> jax.Array:
                row = jax.lax.dynamic_slice_in_dim(a, source % share, 1, 0)
                return jnp.where(source // share == me, row, jnp.zeros_like(row))

            def keep(a: jax.Array, row: jax.Array) -> jax.Array:
                old = jax.lax.dynamic_slice_in_dim(a, target % share, 1, 0)
                return jax.lax.dynamic_update_slice_in_dim(
                    a, jnp.where(target // share == me, row, old), target % share, 0
                )

            kept: Cache = jax.tree.map(keep, cache, _sum(jax.tree.map(show, cache)))
            return kept

        done: Cache = jax.lax.fori_loop(0, count, copy, cache)
        return done

    spread, whole = spec(PARTICLES, WEIGHTS), spec()
    copied: Cache = jax.shard_map(
        on_device, mesh=placement.mesh, in_specs=(spread, whole, whole, whole), out_specs=spread, check_vma=False
    )(cache, sources, targets, count)
    return copied


def rows_of(a: jax.Array, slots: jax.Array, placement: Placement, heads: bool = False) -> jax.Array:
    """Rows a[slots], slots [B] and rows both spread by particles; the second axis may be that of the heads. A slot that
    does not exist reads some row on one device, zeros on many.

    The rows of one device after the other are put together by all, so that none holds more than its own and a copy.
    """
    if placement.mesh is None:
        return jnp.take(a, slots, axis=0, mode="clip")
    devices = placement.rows

    def on_device(a: jax.Array, slots: jax.Array) -> jax.Array:
        me, share = jax.lax.axis_index(PARTICLES), a.shape[0]
        asked = slots.reshape(devices, -1)

        def serve(device: jax.Array, kept: jax.Array) -> jax.Array:
            at = asked[device] - me * share
            mine = ((at >= 0) & (at < share)).reshape(-1, *[1] * (a.ndim - 1))
            shown = jnp.where(mine, jnp.take(a, at, axis=0, mode="clip"), jnp.zeros_like(a, shape=()))
            return jnp.where(device == me, _sum(shown), kept)

        empty = jnp.zeros((asked.shape[1], *a.shape[1:]), a.dtype)
        got: jax.Array = jax.lax.fori_loop(0, devices, serve, empty)
        return got

    spread = spec(PARTICLES, *[WEIGHTS] * heads)
    rows: jax.Array = jax.shard_map(
        on_device, mesh=placement.mesh, in_specs=(spread, spec()), out_specs=spread, check_vma=False
    )(a, slots)
    return rows


def _sum(tree: Tree) -> Tree:
    """Over the devices that share the particles."""
    total: Tree = jax.lax.psum(tree, PARTICLES)  # type: ignore[no-untyped-call]
    return total

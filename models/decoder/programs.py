"""The compiled programs: everything that runs on the device, each a pure function of arrays.

Caches are donated, so that they are updated in place. A program is compiled once for each tuple of shapes; `Shapes`
keeps the set of the tuples seen, which is both a statistic and what the choice of shapes is based on.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from . import draw as drawing
from . import forward
from .attention import Trunk
from .config import DecoderConfig
from .exchange import copy_slots, rows_of
from .forward import Cache, Feed
from .params import Params
from .placement import ALONE, Placement


class State(NamedTuple):
    """The device arrays of one bank: the cache, and what follows the last fed position of each slot."""

    cache: Cache
    logits: jax.Array  # [S, V]
    log_z: jax.Array  # [S], log sum exp of the logits


@partial(jax.jit, static_argnames=("config", "slots", "depth", "dtype", "placement"))
def allocate(*, config: DecoderConfig, slots: int, depth: int, dtype: str, placement: Placement = ALONE) -> State:
    """An empty state of `slots` contexts with room for `depth` own positions each."""
    K, D = config.kv_heads, config.head_dim
    keys = tuple(jnp.zeros((slots, K, D, depth), dtype) for _ in range(config.layers))
    values = tuple(jnp.zeros((slots, K, depth, D), dtype) for _ in range(config.layers))
    return placement.state(State(Cache(keys, values), jnp.zeros((slots, config.vocab_size)), jnp.zeros(slots)))


@partial(jax.jit, static_argnames=("config", "whole", "placement"), donate_argnames=("state",))
def feed(
    params: Params,
    state: State,
    trunk: Trunk,
    rows: Feed[jax.Array],
    *,
    config: DecoderConfig,
    whole: bool,
    placement: Placement = ALONE,
) -> State:
    """Feed tokens; afterwards the logits of each fed slot are those after its last token."""
    h, cache = forward.hidden(params, config, trunk, state.cache, rows, whole, placement)
    return placement.state(_settle(params, config, state, cache, h, rows, whole))


@partial(jax.jit, static_argnames=("config", "whole", "placement"), donate_argnames=("state",))
def feed_scored(
    params: Params,
    state: State,
    trunk: Trunk,
    rows: Feed[jax.Array],
    targets: jax.Array,
    *,
    config: DecoderConfig,
    whole: bool,
    placement: Placement = ALONE,
) -> tuple[State, jax.Array]:
    """`feed`, and [2, B, C]: log p of `targets` [B, C], the token after each fed one, and log z of its logits.

    The head runs one position at a time, so that the logits held at once are [B, V], never [B, C, V].
    """
    h, cache = forward.hidden(params, config, trunk, state.cache, rows, whole, placement)

    def position(args: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        h_c, target = args
        l = forward.logits(params, config, h_c)
        z = jax.nn.logsumexp(l, axis=-1)
        return jnp.take_along_axis(l, target[:, None], 1)[:, 0] - z, z

    scored = jax.lax.map(position, (h.swapaxes(0, 1), targets.swapaxes(0, 1)))  # log p and log z, [C, B] each
    state = placement.state(_settle(params, config, state, cache, h, rows, whole))
    return state, jnp.stack(scored).swapaxes(1, 2)


def _settle(
    params: Params, config: DecoderConfig, state: State, cache: Cache, h: jax.Array, rows: Feed[jax.Array], whole: bool
) -> State:
    """Keep the logits after the last fed token of each row; a row that was fed nothing keeps what it had."""
    last = jnp.take_along_axis(h, jnp.maximum(rows.counts - 1, 0)[:, None, None], 1)[:, 0]
    l = forward.logits(params, config, last)
    z = jax.nn.logsumexp(l, axis=-1)
    if whole:
        fed = rows.counts > 0
        return State(cache, jnp.where(fed[:, None], l, state.logits), jnp.where(fed, z, state.log_z))
    slots = jnp.where(rows.counts > 0, rows.slots, state.log_z.shape[0])
    return State(cache, state.logits.at[slots].set(l, mode="drop"), state.log_z.at[slots].set(z, mode="drop"))


@partial(jax.jit, static_argnames=("placement",), donate_argnames=("state",))
def move(
    state: State, sources: jax.Array, targets: jax.Array, count: jax.Array, *, placement: Placement = ALONE
) -> State:
    """Copy the first `count` slots, one after the other. (One gather for all, measured at 64 slots of 1 MB, takes 20 ms
    against 3 ms: it needs a second array of that size. A loop also needs no bucket for the number of copies.)
    """
    if placement.mesh is not None:
        return state._replace(cache=copy_slots(state.cache, sources, targets, count, placement))

    def copy(i: jax.Array, cache: Cache) -> Cache:
        def one(a: jax.Array) -> jax.Array:
            row = jax.lax.dynamic_slice_in_dim(a, sources[i], 1, 0)
            return jax.lax.dynamic_update_slice_in_dim(a, row, targets[i], 0)

        return Cache(tuple(map(one, cache.keys)), tuple(map(one, cache.values)))

    return state._replace(cache=jax.lax.fori_loop(0, count, copy, state.cache))


@partial(jax.jit, static_argnames=("axis", "depth", "placement"))
def resize(
    a: jax.Array, slots: jax.Array, *, axis: int | None = None, depth: int = 0, placement: Placement = ALONE
) -> jax.Array:
    """One array of a state: new slot i is old slot `slots[i]`; a slot outside the cache comes out empty. Keys and
    values get room for `depth` positions on their time axis, axis 3 or 2.
    """
    if placement.mesh is None:
        a = jnp.take(a, slots, axis=0, mode="fill", fill_value=0)
    else:
        a = rows_of(a, slots, placement, heads=axis is not None)
    if axis is not None:
        grow = depth - a.shape[axis]
        widths = [(0, max(grow, 0)) if i == axis else (0, 0) for i in range(a.ndim)]
        a = jnp.pad(jax.lax.slice_in_dim(a, 0, min(depth, a.shape[axis]), axis=axis), widths)
    return placement.slots(a, heads=axis is not None)


@partial(jax.jit, static_argnames=("placement",))
def as_trunk(cache: Cache, *, placement: Placement = ALONE) -> Trunk:
    """The only slot of a cache, as a trunk."""
    return placement.trunk(Trunk(tuple(k[0] for k in cache.keys), tuple(v[0] for v in cache.values)))


@partial(jax.jit, static_argnames=("placement",), donate_argnames=("state",))
def seed(state: State, slot: jax.Array, source: State, *, placement: Placement = ALONE) -> State:
    """Give a slot the logits of the only slot of `source`."""
    logits = jax.lax.dynamic_update_slice_in_dim(state.logits, source.logits, slot, 0)
    log_z = jax.lax.dynamic_update_slice_in_dim(state.log_z, source.log_z, slot, 0)
    return placement.state(State(state.cache, logits, log_z))


@partial(jax.jit, static_argnames=("placement",))
def draw_rows(
    logits: jax.Array,
    log_z: jax.Array,
    rows: jax.Array,
    uniforms: jax.Array,
    temperatures: jax.Array | None,
    masks: jax.Array | None,
    *,
    placement: Placement = ALONE,
) -> jax.Array:
    """[4, R]: tokens (exact in float32 below 2^24), log q, log p, and log z, which is finite if the logits are."""
    weighed = drawing.weigh(*_asked(logits, log_z, rows, placement), temperatures, masks)
    tokens = drawing.draw(weighed, uniforms)
    return jnp.stack([tokens.astype(jnp.float32), *drawing.log_probs_of(weighed, tokens), weighed.log_z])


@partial(jax.jit, static_argnames=("placement",))
def score_rows(
    logits: jax.Array,
    log_z: jax.Array,
    rows: jax.Array,
    tokens: jax.Array,
    temperatures: jax.Array | None,
    masks: jax.Array | None,
    *,
    placement: Placement = ALONE,
) -> jax.Array:
    """[3, R]: log q and log p of `tokens` [R], and log z."""
    weighed = drawing.weigh(*_asked(logits, log_z, rows, placement), temperatures, masks)
    return jnp.stack([*drawing.log_probs_of(weighed, tokens), weighed.log_z])


@partial(jax.jit, static_argnames=("placement",))
def vectors(
    logits: jax.Array,
    log_z: jax.Array,
    rows: jax.Array,
    temperatures: jax.Array | None,
    masks: jax.Array | None,
    *,
    placement: Placement = ALONE,
) -> jax.Array:
    """Log-probabilities of the whole vocabulary, [R, V]."""
    weighed = drawing.weigh(*_asked(logits, log_z, rows, placement), temperatures, masks)
    return weighed.steered - weighed.log_norm[:, None]


@partial(jax.jit, static_argnames=("placement",))
def tops(
    logits: jax.Array,
    log_z: jax.Array,
    rows: jax.Array,
    temperatures: jax.Array | None,
    *,
    placement: Placement = ALONE,
) -> jax.Array:
    """[2, R]: log q of the most probable token, and log z."""
    weighed = drawing.weigh(*_asked(logits, log_z, rows, placement), temperatures, None)
    return jnp.stack([weighed.steered.max(-1) - weighed.log_norm, weighed.log_z])


@partial(jax.jit, static_argnames=("placement",))
def masses(
    logits: jax.Array, log_z: jax.Array, rows: jax.Array, masks: jax.Array, *, placement: Placement = ALONE
) -> jax.Array:
    """[2, R]: log of the probability of the allowed tokens at temperature 1, and log z."""
    plain = drawing.weigh(*_asked(logits, log_z, rows, placement), None, None)
    allowed = jnp.where(drawing.unpack(masks, logits.shape[1]), plain.logits, -jnp.inf)
    return jnp.stack([jax.nn.logsumexp(allowed, axis=-1) - plain.log_z, plain.log_z])


def _asked(
    logits: jax.Array, log_z: jax.Array, rows: jax.Array, placement: Placement
) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    """Logits, normalisers and which of them are asked about; on a mesh those that are, brought to their device."""
    if placement.mesh is None:
        return logits, log_z, rows
    return rows_of(logits, rows, placement), rows_of(log_z, rows, placement), None

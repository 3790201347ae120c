"""Where the arrays of a decoder live: on one device, or spread over a mesh of devices.

Particles are spread over one axis: each device holds a part of the slots of every cache and computes the rows of these.
Weights may be spread over a second axis, a share of the heads and of the inner units on each device, as in Shoeybi et
al. 2019 ("Megatron-LM", section 3): queries, keys, values, gate and up by columns, their outputs by rows, so that a
block sums over the axis twice. Programs are written for whole arrays; XLA partitions them, following these shardings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

from ..errors import ModelError
from .config import DecoderConfig
from .params import Linear, Params

if TYPE_CHECKING:
    from .attention import Trunk
    from .programs import State

PARTICLES, WEIGHTS = "particles", "weights"
Tree = TypeVar("Tree")


@dataclass(frozen=True, slots=True)
class Placement:
    """Hashable, so that it can be a static argument of every compiled program; mesh None is one device."""

    mesh: Mesh | None = None  # of the two axes, in this order

    @property
    def rows(self) -> int:
        """Devices that the particles are spread over."""
        return 1 if self.mesh is None else int(self.mesh.shape[PARTICLES])

    @property
    def columns(self) -> int:
        """Devices that the weights are spread over."""
        return 1 if self.mesh is None else int(self.mesh.shape[WEIGHTS])

    def state(self, state: State) -> State:
        """Slots over the particles' axis, heads of keys and values over the weights'."""
        if self.mesh is None:
            return state
        cache = jax.tree.map(lambda a: self.slots(a, heads=True), state.cache)
        return state._replace(cache=cache, logits=self.slots(state.logits), log_z=self.slots(state.log_z))

    def slots(self, a: jax.Array, heads: bool = False) -> jax.Array:
        """One array of a state; its second axis may be that of the heads."""
        return a if self.mesh is None else self._keep(a, self._rows(a), *[WEIGHTS] * heads)

    def trunk(self, trunk: Trunk) -> Trunk:
        """Heads over the weights' axis, the whole of it with every particle."""
        return trunk if self.mesh is None else jax.tree.map(lambda a: self._keep(a, WEIGHTS), trunk)

    def first(self, tree: Tree) -> Tree:
        """The first axis of every array over the particles' axis, where it divides that."""
        return tree if self.mesh is None else jax.tree.map(lambda a: self._keep(a, self._rows(a)), tree)

    def params(self, params: Params, config: DecoderConfig) -> Params:
        """The parameters, moved to where they belong. Norms and what else does not divide are with everybody."""
        if self.mesh is None:
            return params
        n, k, i = config.heads * config.head_dim, config.kv_heads * config.head_dim, config.intermediate
        layers = [
            layer._replace(
                qkv=self._by_columns(layer.qkv, (n, k, k)),
                out=self._by_rows(layer.out),
                gate_up=self._by_columns(layer.gate_up, (i, i) if config.gated else (i,)),
                down=self._by_rows(layer.down),
            )
            for layer in params.layers
        ]
        head = params.head and self._by_columns(params.head, (params.head.weight.shape[1],))
        embed = jax.tree.map(self._largest, params.embed)
        whole = NamedSharding(self.mesh, spec())
        params = params._replace(embed=embed, layers=tuple(layers), head=head)
        moved: Params = jax.tree.map(lambda a: a if _is_on(a, self.mesh) else jax.device_put(a, whole), params)
        return moved

    def _by_columns(self, by: Linear, sizes: Sequence[int]) -> Linear:
        """A projection to parts of `sizes`, side by side: each device gets its share of each part (see `parts`)."""
        if sum(sizes) % self.columns:  # a vocabulary, whose size is anything
            return Linear(self._largest(by.weight), by.bias, by.scale)
        ends = np.cumsum(sizes)
        order = np.concatenate(
            [np.arange(e - s, e).reshape(self.columns, -1) for e, s in zip(ends, sizes, strict=True)], axis=1
        ).ravel()
        bias, scale = (None if a is None else self._put(np.asarray(a)[order], WEIGHTS) for a in (by.bias, by.scale))
        return Linear(self._put(np.asarray(by.weight)[:, order], None, WEIGHTS), bias, scale)

    def _by_rows(self, by: Linear) -> Linear:
        return by._replace(weight=self._put(by.weight, WEIGHTS))

    def _largest(self, a: jax.Array) -> jax.Array:
        """Spread along the first axis that divides, if any."""
        axis = next((i for i, n in enumerate(a.shape) if n % self.columns == 0), a.ndim)
        return self._put(a, *[WEIGHTS if i == axis else None for i in range(a.ndim)])

    def _put(self, a: jax.Array | NDArray[Any], *axes: str | None) -> jax.Array:
        assert self.mesh is not None
        put: jax.Array = jax.device_put(a, NamedSharding(self.mesh, spec(*axes)))
        return put

    def _keep(self, a: jax.Array, *axes: str | None) -> jax.Array:
        assert self.mesh is not None
        kept: jax.Array = jax.lax.with_sharding_constraint(  # type: ignore[no-untyped-call]
            a, NamedSharding(self.mesh, spec(*axes))
        )
        return kept

    def _rows(self, a: jax.Array) -> str | None:
        return PARTICLES if a.shape[0] % self.rows == 0 else None


ALONE = Placement()


def spec(*axes: str | None) -> PartitionSpec:
    """The mesh axis of each leading axis of an array."""
    return PartitionSpec(*axes)  # type: ignore[no-untyped-call]


def parts(x: jax.Array, sizes: Sequence[int], shards: int) -> list[jax.Array]:
    """The parts, of `sizes` on the last axis, of a fused projection. Its columns come in as many runs as there are
    `shards`, each with its share of every part; so no part crosses devices.
    """
    lead = x.shape[:-1]
    if shards > 1:
        x = x.reshape(*lead, shards, -1)
    found, begin = [], 0
    for size in sizes:
        end = begin + size // shards
        found.append(x[..., begin:end].reshape(*lead, size) if shards > 1 else x[..., begin:end])
        begin = end
    return found


def over(mesh: Mesh | None, config: DecoderConfig, max_rows: int) -> Placement:
    """The placement on a mesh with the axes "particles" and, optionally, "weights".

    Raises ModelError for other axes, devices of other processes, and sizes that do not divide.
    """
    if mesh is None:
        return ALONE
    if not isinstance(mesh, Mesh):
        raise ModelError(f"mesh must be a jax.sharding.Mesh, found {type(mesh).__name__}")
    sizes = {str(name): int(n) for name, n in mesh.shape.items()}
    if PARTICLES not in sizes or not set(sizes) <= {PARTICLES, WEIGHTS}:
        raise ModelError(f"the mesh has axes {_shown(sizes)}; it needs one named {PARTICLES!r} and may have one named "
                         f"{WEIGHTS!r}: Mesh(devices, ({PARTICLES!r}, {WEIGHTS!r}))")
    if mesh.is_multi_process:
        raise ModelError("the mesh has devices of other processes; take those of jax.local_devices()")
    rows, columns = sizes[PARTICLES], sizes.get(WEIGHTS, 1)
    if max_rows % rows:
        below, above = max_rows // rows * rows, -(-max_rows // rows) * rows
        fix = f"max_rows={above}" if below == 0 else f"max_rows={below} or {above}"
        raise ModelError(f"max_rows={max_rows} rows cannot be shared evenly by the mesh of axes {_shown(sizes)}: "
                         f"{rows} devices share the particles; load with {fix}, or another mesh")
    for what, n in (("key heads", config.kv_heads), ("inner units", config.intermediate)):
        if n % columns:
            fits = [d for d in range(1, columns + 1) if config.kv_heads % d == config.intermediate % d == 0]
            raise ModelError(f"the mesh of axes {_shown(sizes)} cannot share the weights: {columns} devices for {n} "
                             f"{what} of this model; give {WEIGHTS!r} a size of {' or '.join(map(str, fits))}")
    devices = mesh.devices if mesh.axis_names[0] == PARTICLES else mesh.devices.T
    return Placement(Mesh(devices.reshape(rows, columns), (PARTICLES, WEIGHTS)))


@contextmanager
def read_for(mesh: Mesh | None) -> Iterator[None]:
    """Weights for a mesh wait in the memory of the host: they may be too many for one of its devices."""
    if mesh is None:
        yield
    else:
        with jax.default_device(jax.local_devices(backend="cpu")[0]):
            yield


def _shown(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name}={n}" for name, n in sizes.items())


def _is_on(a: jax.Array, mesh: Mesh | None) -> bool:
    return isinstance(a.sharding, NamedSharding) and a.sharding.mesh == mesh

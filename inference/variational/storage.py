"""Parameters on disk: one safetensors file, a tensor for each leaf, named by its path."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from steersman.ppl.parameters import BadParameters, named

FILE = "params.safetensors"


def write_params(folder: Path, params: Mapping[str, Any]) -> None:
    """Written beside the old file and put in its place, so that an interruption loses nothing."""
    write_arrays(folder / FILE, named_leaves(params))


def read_params(
    folder: Path, like: Mapping[str, Any], growing: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, dict[str, NDArray[Any]]]]:
    """Trees with the structure of `like`; and, for each name in `growing`, path -> array of all that the file has below
    it. Raises BadParameters, naming what does not fit."""
    path = folder / FILE
    if not path.is_file():
        raise BadParameters(f"{path} does not exist: Guide.save writes it")
    arrays = read_arrays(path)
    below = {
        name: {p.removeprefix(f"{name}/"): arrays.pop(p) for p in list(arrays) if p.startswith(f"{name}/")}
        for name in growing
    }
    found: dict[str, Any] = restored(arrays, like, str(path))
    return found, below


def named_leaves(tree: Any) -> dict[str, NDArray[Any]]:
    """Path -> array of every leaf."""
    return {path: np.asarray(leaf) for path, leaf in named(tree).items()}


def restored(arrays: Mapping[str, NDArray[Any]], like: Any, where: str) -> Any:
    """A tree like `like`, with these leaves."""
    leaves = named(like)
    if missing := [n for n in leaves if n not in arrays]:
        raise BadParameters(f"{where} has no {missing[0]!r}; it has {_some(arrays)}")
    if extra := [n for n in arrays if n not in leaves]:
        raise BadParameters(f"{where} also has {extra[0]!r}, which is not a parameter here; expected {_some(leaves)}")
    for name, leaf in leaves.items():
        if arrays[name].shape != np.shape(leaf):
            raise BadParameters(f"{where}: {name!r} has shape {arrays[name].shape}, expected {np.shape(leaf)}")
    return jax.tree.unflatten(jax.tree.structure(like), [jax.numpy.asarray(arrays[n]) for n in leaves])


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    save_file({n: np.asarray(a, order="C") for n, a in arrays.items()}, beside)
    beside.replace(path)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found: dict[str, NDArray[Any]] = load_file(path)
    except SafetensorError as error:
        raise BadParameters(f"{path} is no safetensors file: {error}") from error
    return found


def _some(names: Any) -> str:
    listed = list(names)
    return ", ".join(map(repr, listed[:6])) + (", ..." if len(listed) > 6 else "") or "nothing"

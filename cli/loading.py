"""The language models and rewards that a program asks for, from the command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .exits import USAGE
from .terminal import fail

EMBEDDED = "embedded"
"""What stands for the story model inside the package."""
DEFAULT = "lm"
"""The model that every program has."""


def check_model_names(declared: Collection[str], given: Collection[str], imports: bool) -> None:
    """Leaves with status 2 where a declared model is not given, or a given one not declared (in a file that `imports`
    others, these may declare it)."""
    if missing := sorted(set(declared) - {DEFAULT} - set(given)):
        fail("the program needs models: " + " ".join(f"--model {name}=PATH" for name in missing)
             + f" (a folder, org/name, or {EMBEDDED})", USAGE)
    unknown = sorted(set(given) - {DEFAULT} - set(declared))
    if unknown and not imports:
        fail(f"--model {unknown[0]}: the program does not declare it; write `model {unknown[0]}` at its top", USAGE)


def load_models(given: Mapping[str, str], default: bool) -> dict[str, Any]:
    """Name -> model; with `default`, `lm` is the embedded one where it is not given. Leaves with status 1 for one that
    cannot be read."""
    from steersman.models import ModelError, load

    found = {}
    for name, where in {**({DEFAULT: EMBEDDED} if default else {}), **given}.items():
        try:
            found[name] = load(None if where == EMBEDDED else where)
        except ModelError as error:
            fail(f"--model {name}={where}: {error}")
    return found


def load_rewards(given: Mapping[str, str]) -> dict[str, Any]:
    """Name -> reward of a folder or org/name; ``path#label`` names the label of one that has several. Leaves with
    status 1 for one that cannot be read."""
    from steersman.models import ModelError, load_reward

    found = {}
    for name, where in given.items():
        path, _, label = where.partition("#")
        try:
            found[name] = load_reward(path, label=int(label) if label.isdigit() else label or None)
        except ModelError as error:
            fail(f"--reward {name}={where}: {error}")
    return found

"""Imported files, read by the runner's loader."""

from __future__ import annotations

from collections.abc import Callable

from .. import nodes
from ..diagnostics import Diagnostic, SteerError
from ..parse import parse
from .findings import Findings

Loader = Callable[[str], tuple[str, str]]
"""From the name of a module to its source and its path; raises LookupError or OSError where there is none."""


def loaded(
    loader: Loader, module: str, node: nodes.Import, findings: Findings, found: list[Diagnostic]
) -> nodes.File | None:
    """The file of a module. None where there is none, which is reported at the import, or where it cannot be parsed,
    which goes into `found`."""
    try:
        source, path = loader(module)
    except (LookupError, OSError):
        hint = f"put {module}.steer beside this file"
        findings.report("unknown-import", node, f"there is no module {module!r}", hint)
        return None
    try:
        return parse(source, path)
    except SteerError as error:
        found.extend(error.diagnostics)
        return None

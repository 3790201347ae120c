"""Imported files, read by the runner's loader."""

from __future__ import annotations

from .. import nodes
from ..diagnostics import Diagnostic, SteerError
from ..loader import Loader
from ..parse import parse
from ..problems import Problem
from .findings import Findings


def loaded(
    loader: Loader, module: str, node: nodes.Import, findings: Findings, found: list[Diagnostic]
) -> nodes.File | None:
    """The file of a module. None where there is none, which is reported at the import, or where it cannot be parsed,
    which goes into `found`."""
    try:
        path, source = loader(module)
    except Problem as problem:
        findings.report("unknown-import", node, problem.message, problem.told)
        return None
    try:
        return parse(source, path)
    except SteerError as error:
        found.extend(error.diagnostics)
        return None

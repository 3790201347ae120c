"""The textual language: .steer programs, read, checked, formatted and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .diagnostics import Diagnostic, SteerError
from .format import format_source
from .parse import parse

if TYPE_CHECKING:
    from .checks import check as check
    from .compile import compile_source as compile_source
    from .compile import load as load
    from .limits import Limits as Limits
    from .loader import FolderLoader as FolderLoader
    from .module import Module as Module

_LAZY = {"check": "checks", "compile_source": "compile", "load": "compile", "Limits": "limits",
         "FolderLoader": "loader", "Module": "module"}


def __getattr__(name: str) -> Any:
    """What runs programs is imported when it is first wanted."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = found
    return found


__all__ = ["Diagnostic", "FolderLoader", "Limits", "Module", "SteerError", "check", "compile_source",
           "format_source", "load", "parse"]

"""Which line of whose program is to blame: turning exceptions into messages that name the site and the fix."""

from __future__ import annotations

import inspect
import os
from collections.abc import Coroutine
from types import CodeType
from typing import Any

from .errors import NotAnEffect, ProgramError, SteersmanError, TracedControlFlow

_STANDARD_LIBRARY = os.path.dirname(inspect.__file__)  # asyncio's own lines are nobody's program
_INTERPRETER = os.path.join(os.path.dirname(__file__), "language", "")  # it knows the lines of its programs


def line_of(coroutine: Coroutine[Any, Any, Any]) -> str:
    """ " (file:line)" where a program is suspended: in an undecorated `async def` that it awaits, if it is in one; or
    what an interpreter says that runs the program."""
    if isinstance(line := getattr(coroutine, "line", None), str):
        return line
    inner: Any = coroutine
    while inspect.iscoroutine(deeper := inner.cr_await) and _is_a_users(deeper.cr_code):
        inner = deeper
    code, frame = inner.cr_code, inner.cr_frame
    return f" ({code.co_filename}:{code.co_firstlineno if frame is None else frame.f_lineno})"


def line_of_error(error: BaseException) -> str:
    """ " (file:line)" of the innermost `async def` that an exception passed through, "" if it passed through none."""
    found, tb = "", error.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        if code.co_flags & inspect.CO_COROUTINE and _is_a_users(code):
            found = f" ({code.co_filename}:{tb.tb_lineno})"
        tb = tb.tb_next
    return found


def _is_a_users(code: CodeType) -> bool:
    at = code.co_filename
    return not at.startswith(_INTERPRETER) and (not at.startswith(_STANDARD_LIBRARY) or "site-packages" in at)


def is_tracer_error(error: BaseException) -> bool:
    """Whether JAX refused to turn a traced value into a Python one."""
    name = type(error).__name__
    return name == "ConcretizationTypeError" or (type(error).__module__.startswith("jax") and name.startswith("Tracer"))


def _traced_use(error: BaseException) -> str:
    """What a program did with a traced value, and what it may do instead."""
    match type(error).__name__:
        case "TracerBoolConversionError":
            return "control flow on a value that JAX is tracing; use jax.numpy.where, or sample that site otherwise"
        case "TracerIntegerConversionError":
            return "an index that JAX is tracing; index a jax.numpy array by it, or sample that site otherwise"
        case "TracerArrayConversionError":
            return "a NumPy function of a value that JAX is tracing; use jax.numpy, or sample that site otherwise"
    return "a plain number made of a value that JAX is tracing; use jax.numpy, or sample that site otherwise"


def explain(error: Exception, program: Any, line: str, after: str) -> Exception:
    """The exception to raise for one that left `program`.

    line: where the program was suspended, for what was not raised by its own code. after: the effect that it had
    just been answered. Misuses of the language get the line; what the user's own code raised gets a note.
    """
    line = line_of_error(error) or line
    text = str(error)
    if isinstance(error, ProgramError) and not error.located:
        error.args = (f"{program!r}{line}: {text}",)
        error.located = True
        return error
    if isinstance(error, SteersmanError):
        return error
    if is_tracer_error(error):
        return TracedControlFlow(f"{program!r}{line}: {_traced_use(error)}")
    if isinstance(error, TypeError) and ("'await' expression" in text or "can't be awaited" in text):
        return NotAnEffect(f"{program!r}{line}: {text}; for a distribution d write `await sample(d)`")
    if isinstance(error, RuntimeError) and "no running event loop" in text:
        return NotAnEffect(f"{program!r}{line}: awaited something of asyncio, which is no effect; use `await call(fn)`")
    error.add_note(f"(raised by {program!r}{line}{after})")
    return error

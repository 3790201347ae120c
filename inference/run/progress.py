"""A progress bar for anything that takes longer than two seconds, when someone is watching."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from steersman.ppl.meter import Meter

DELAY = 2.0
"""Seconds before the bar appears: short runs stay silent."""


class Progress:
    """A rich progress line. `shown` None: only where standard error is a terminal."""

    def __init__(self, label: str, shown: bool | None = None) -> None:
        self.label = label
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._started = time.perf_counter()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def update(self, info: dict[str, Any], meter: Meter) -> None:
        if not self._shown:
            return
        if self._bar is None:
            if time.perf_counter() - self._started < DELAY:
                return
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[cost]}"), TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self.label, total=info.get("total"), cost="")
            self._bar.start()
        cost = f"{info.get('note', '')} {meter.tokens:,} tokens"
        self._bar.update(self._task, completed=info.get("done", 0), total=info.get("total"), cost=cost)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

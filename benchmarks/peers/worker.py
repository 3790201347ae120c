"""The driver's end of a side: a process that is started once and asked for one run at a time."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.peers.work import Job

ROOT = Path(__file__).parents[2]
STARTING = 300.0
"""Seconds that a side may take to import its libraries and load the checkpoint."""
SETTINGS = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_WAIT_POLICY": "passive"}
"""The environment of a side, where nothing else is set. OpenMP's threads otherwise spin while they wait for each other:
on two cores that other processes used as well, PyTorch took thirty times as long."""


class Failed(Exception):
    """A side that cannot run, or a run that failed. The message is for the table."""


class TooSlow(Failed):
    """A run that took longer than it was given."""


class Worker:
    """python: the interpreter that has the side's library. module: the side. Raises Failed when it does not start."""

    def __init__(self, python: str, module: str, folder: Path) -> None:
        self.command = [python, "-m", f"benchmarks.peers.{module}", str(folder)]
        self.tasks: list[str] = []
        self._start()

    def _start(self) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (as long as the process)
        try:
            self._process = subprocess.Popen(
                self.command, cwd=ROOT, env=SETTINGS | os.environ, text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=self._log)
        except OSError as error:
            raise Failed(f"not installed: {error}") from None
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True).start()
        self.tasks = self._answer(STARTING)["ready"]

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def run(self, job: Job, seconds: float) -> dict[str, Any]:
        """The answer of one run. A run that takes longer than this ends the process; the next one starts it anew.

        Raises TooSlow then, and Failed with the reason where the side reports an error or dies.
        """
        if self._process.poll() is not None:
            self._start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        return self._answer(seconds)

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise TooSlow(f"no answer in {seconds:.0f} s") from None
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise Failed(f"died: {(self._log.read().strip().splitlines() or ['without a word'])[-1]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

"""The text of a .steer file, or of standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from .exits import USAGE
from .terminal import fail

STDIN = "-"


def read_source(file: str) -> tuple[str, str]:
    """(text, the name that diagnostics show). `-` is standard input. Leaves with status 2 for what cannot be read."""
    name = "<stdin>" if file == STDIN else file
    try:
        data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror or error}", USAGE)
    try:
        return data.decode("utf-8-sig"), name
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        fail(f"{name}:{line}: not UTF-8 text (byte {error.start} is 0x{data[error.start]:02x})")


class Imports:
    """The loader of the folder of a file (of the working folder for standard input), which remembers the sources that
    it has read."""

    def __init__(self, file: str) -> None:
        from steersman.ppl.language import FolderLoader

        self._load = FolderLoader(Path.cwd() if file == STDIN else Path(file).parent)
        self.sources: dict[str, str] = {}

    def __call__(self, module: str) -> tuple[str, str]:
        path, source = self._load(module)
        self.sources[path] = source
        return path, source

"""``python -m steersman.models.train CORPUS OUT``: train, measure and describe the story model."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence

from .corpus import CorpusError, read_train
from .options import build_parser

NEEDED = ("torch", "transformers", "tokenizers", "safetensors")


def missing_packages() -> list[str]:
    """Packages that training needs and that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def complain(parser: argparse.ArgumentParser, message: str) -> int:
    """One line on standard error; exit status 2, as argparse has it."""
    print(f"{parser.prog}: error: {message}", file=sys.stderr)
    return 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (``sys.argv`` if no arguments are given); returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        documents = read_train(options.corpus)
    except CorpusError as error:
        return complain(parser, str(error))
    if missing := missing_packages():
        return complain(parser, f"{', '.join(missing)} not installed: pip install steersman[train]")
    if options.measure and not (options.out / "config.json").is_file():
        return complain(parser, f"no model to measure in {options.out}")
    if options.start is not None and not (options.start / "config.json").is_file():
        return complain(parser, f"no model to go on from in {options.start}")
    if options.hidden % options.heads or options.heads % options.key_value_heads:
        return complain(parser, "--hidden must be a multiple of --heads, and --heads of --key-value-heads")
    from .run import measure, train  # the first import of torch: seconds, so as late as possible

    if not options.measure:
        train(options, sys.argv[1:] if arguments is None else arguments, documents)
    measure(options, documents)
    return 0


if __name__ == "__main__":
    sys.exit(main())

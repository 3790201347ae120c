"""The command line of the training script."""

from __future__ import annotations

import argparse
from pathlib import Path

from .corpus import SOURCE_WEIGHTS

DESCRIPTION = """\
Train a small English story model (byte-level BPE, Llama architecture) and write it as a Hugging
Face folder: config.json, generation_config.json, model.safetensors (bf16), tokenizer.json,
tokenizer_config.json, training.json and a model card with held-out bits per byte.

CORPUS holds train/*.txt and, for measuring, heldout.txt: plain text, documents separated by a
line <|endoftext|>."""

EPILOGUE = "Weights of the sources (expected copies of a document in a pass), by file-name prefix: " + (
    ", ".join(f"{prefix} {weight:g}" for prefix, weight in SOURCE_WEIGHTS.items())
)


def positive(text: str) -> float:
    """A number above zero."""
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return value


def count(text: str) -> int:
    """A whole number above zero; ``1e6`` will do."""
    value = float(text)
    if value < 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above zero")
    return int(value)


def build_parser() -> argparse.ArgumentParser:
    """Every option with its default."""
    parser = argparse.ArgumentParser(
        prog="python -m steersman.models.train",
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("corpus", type=Path, metavar="CORPUS", help="corpus folder")
    parser.add_argument("out", type=Path, metavar="OUT", help="model folder to write")
    run = parser.add_argument_group("length of the run")
    run.add_argument("--tokens", type=count, default=100_000_000, help="tokens to train on (100e6)")
    run.add_argument("--minutes", type=positive, help="stop after so many minutes, if sooner")
    run.add_argument("--start", type=Path, help="model folder to go on from (keeps its tokenizer)")
    run.add_argument("--start-tokens", type=count, default=0, help="tokens START has seen, if it has no record")
    run.add_argument("--compare", type=Path, help="model folder measured beside OUT (START)")
    run.add_argument("--compare-window", type=count, help="window in which to measure it (its context length)")
    run.add_argument("--measure", action="store_true", help="train nothing: measure OUT, rewrite its card")
    shape = parser.add_argument_group("shape of the network (ignored with --start)")
    shape.add_argument("--vocabulary", type=count, default=4096, help="BPE entries (4096)")
    shape.add_argument("--hidden", type=count, default=256, help="width (256)")
    shape.add_argument("--layers", type=count, default=8, help="layers (8)")
    shape.add_argument("--heads", type=count, default=8, help="query heads (8)")
    shape.add_argument("--key-value-heads", type=count, default=4, help="key-value heads (4)")
    shape.add_argument("--inner", type=count, default=768, help="feed-forward width (768)")
    shape.add_argument("--positions", type=count, default=512, help="context length in tokens (512)")
    fit = parser.add_argument_group("optimisation")
    fit.add_argument("--rows", type=count, default=16, help="rows a batch, at --length tokens (16)")
    fit.add_argument("--length", type=count, default=256, help="tokens a row at first (256)")
    fit.add_argument("--matrix-rate", type=positive, default=3e-3, help="peak rate of hidden matrices (3e-3)")
    fit.add_argument("--other-rate", type=positive, default=1.5e-3, help="peak rate of the rest (1.5e-3)")
    fit.add_argument("--decay", type=float, default=0.1, help="weight decay of matrices (0.1)")
    fit.add_argument("--seed", type=int, default=0, help="seed of weights and document order (0)")
    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", help="cpu or cuda (cuda where there is one)")
    machine.add_argument("--threads", type=count, help="CPU threads (all cores)")
    machine.add_argument("--no-compile", action="store_true", help="do not use torch.compile")
    return parser

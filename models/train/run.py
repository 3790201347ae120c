"""Train a model, and measure one: what the command line does once its arguments are sound."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from .attribution import attribution
from .card import card
from .corpus import Document, read_heldout
from .fit import Plan, Progress, fit
from .measure import measure_folder
from .model import SIZE_LIMIT, Shape, build_model, folder_size, load_model, parameter_count, save_model
from .optimiser import Rates
from .record import Stage, read_record, write_record
from .tokenizer import end_id, load_tokenizer, save_tokenizer, train_tokenizer


def say(message: str) -> None:
    """A line for the person who waits."""
    print(message, file=sys.stderr, flush=True)


def pick_device(options: argparse.Namespace) -> str:
    """The device asked for, else a GPU where there is one."""
    if options.threads:
        torch.set_num_threads(options.threads)
    return str(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))


def device_words(device: str) -> str:
    """What the card says the run ran on."""
    if device.startswith("cuda"):
        return f"one GPU ({torch.cuda.get_device_name()})"
    return f"{torch.get_num_threads()} CPU cores"


def beginning(options: argparse.Namespace, documents: Sequence[Document]) -> tuple[Any, Tokenizer]:
    """A fresh network and tokenizer, or those of ``--start``."""
    if options.start is not None:
        return load_model(options.start), load_tokenizer(options.start)
    tokenizer = train_tokenizer((document.text for document in documents), options.vocabulary)
    shape = Shape(
        vocabulary=tokenizer.get_vocab_size(),
        hidden=options.hidden,
        layers=options.layers,
        heads=options.heads,
        key_value_heads=options.key_value_heads,
        inner=options.inner,
        positions=options.positions,
    )
    torch.manual_seed(options.seed)
    return build_model(shape, end_id(tokenizer)), tokenizer


def words_of(options: argparse.Namespace, arguments: Sequence[str]) -> str:
    """The command line with the reader's folder names in place of ours."""
    names = {str(options.corpus): "CORPUS", str(options.out): "OUT", str(options.start): "START"}
    return " ".join(["python -m steersman.models.train", *(names.get(word, word) for word in arguments)])


def earlier_stages(options: argparse.Namespace) -> list[Stage]:
    """What the starting point had been through."""
    if options.start is None:
        return []
    return read_record(options.start) or [Stage("a model without a record", options.start_tokens, 0.0, 0)]


def this_stage(options: argparse.Namespace, arguments: Sequence[str], progress: Progress, device: str) -> Stage:
    """Describe a run that has just reached ``progress``."""
    return Stage(
        command=words_of(options, arguments),
        tokens=progress.tokens,
        seconds=round(progress.seconds, 1),
        steps=progress.step,
        device=device_words(device),
        loss=round(progress.loss, 4),
    )


def train(options: argparse.Namespace, arguments: Sequence[str], documents: Sequence[Document]) -> None:
    """Train and write the model folder (weights, tokenizer, record)."""
    device = pick_device(options)
    model, tokenizer = beginning(options, documents)
    model.to(device)
    encoded = [e.ids for e in tokenizer.encode_batch([document.text for document in documents])]
    weights = [document.weight for document in documents]
    weighted = sum(len(ids) * weight for ids, weight in zip(encoded, weights, strict=True))
    say(
        f"{parameter_count(model) / 1e6:.2f}M parameters, {tokenizer.get_vocab_size()} tokens in the vocabulary, "
        f"{weighted / 1e6:.2f}M tokens a weighted pass, on {device_words(device)}"
    )
    plan = Plan(
        tokens=options.tokens,
        minutes=options.minutes,
        rows=options.rows,
        length=options.length,
        long_length=max(options.length, model.config.max_position_embeddings),
        seed=options.seed,
        compile=not options.no_compile,
    )
    rates = Rates(options.matrix_rate, options.other_rate, options.decay)
    out: Path = options.out
    save_tokenizer(tokenizer, out, model.config.max_position_embeddings)
    earlier = earlier_stages(options)

    def checkpoint(state: dict[str, torch.Tensor], progress: Progress) -> None:
        save_model(model, state, out)
        write_record([*earlier, this_stage(options, arguments, progress, device)], out)

    state, progress = fit(model, encoded, weights, end_id(tokenizer), rates, plan, checkpoint)
    checkpoint(state, progress)


def measure(options: argparse.Namespace, documents: Sequence[Document]) -> None:
    """Measure the model in OUT on the held-out text; write its card and the credits."""
    out: Path = options.out
    texts = read_heldout(options.corpus)
    if not texts:
        say(f"no {options.corpus / 'heldout.txt'}: nothing measured, no card written")
        return
    say("measuring on the held-out text")
    compare = options.compare or options.start
    measured = measure_folder(out, documents, texts, pick_device(options), compare, options.compare_window)
    if credits := attribution(options.corpus):
        (out / "ATTRIBUTION.md").write_text(credits, encoding="utf-8")
    (out / "README.md").write_text(card(out, documents, measured, read_record(out)), encoding="utf-8")
    for column, value in measured.overall.items():
        print(f"{column}: {value:.4f} held-out bits per byte")
    if (size := folder_size(out)) > SIZE_LIMIT:
        say(f"warning: {out} takes {size:,} bytes, more than the {SIZE_LIMIT:,} that may ship in the package")

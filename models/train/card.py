"""Write the model card (README.md of the model folder)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .corpus import Document
from .kinds import kind_of
from .measure import Measurement
from .record import Stage, total_tokens
from .sources import ORIGINS

HEAD = """\
---
language: en
library_name: transformers
license: apache-2.0
pipeline_tag: text-generation
---

# The embedded story model of Steersman

A small English language model that writes children's stories in simple words. It ships inside the
`steersman` package, so that every example of the probabilistic programming language runs offline on
a CPU: `models.load()` with no argument returns it. It is a Hugging Face folder like any other:

    from transformers import AutoModelForCausalLM, AutoTokenizer
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
"""

TOKENIZER = """\
## Tokenizer

Byte-level BPE, {size} entries, lossless: `decode(encode(s)) == s` for every Unicode string (there is no
normaliser, no added prefix space, no clean-up of spaces). `<|endoftext|>` begins and ends every
document and is the bos, eos and pad token. Encoding does not add it; put it first to start a story.
The plain text `<|endoftext|>` inside a string is read as that token, and comes back only when decoding
with `skip_special_tokens=False`; in the `tokenizers` package `encode_special_tokens = True` reads it as
ordinary text instead.
"""

METHOD = """\
Lower is better. About 1 % of the documents of every source were held out. Each document is scored from
a bare `<|endoftext|>` to its closing one (which counts as one byte), in windows of the context length
that overlap by half, in float32. The n-gram baselines are interpolated Kneser-Ney models over the same
tokens, fitted to the train split with every document once. The held-out file does not mark its sources:
a document is of the kind whose bigram model gives it the highest probability. To repeat the
measurement, put `--measure` in the command.
"""

SAMPLES = """\
Unsteered, temperature 1, nothing cut off, from a bare `<|endoftext|>`; at most 120 tokens. These are the
first three seeds, not a choice."""

LIMITS = """\
## Intended use and limits

For examples, tests and research on steering and inference, where a small, fast and exactly known
language model is wanted. It is no assistant: it knows stories and little else, follows no instructions,
and loses the thread after some sentences. Sampled freely it makes slips: names change, and an odd or
made-up word turns up every few sentences. It writes English only. Its text mirrors its sources, which
include books from before 1931 with the attitudes of their time (passages with slurs and dialect
caricature were cut from the training text, but no filter is complete). Do not use it for facts, advice,
or unsupervised with children.

## Licence

The weights and this card are under the Apache License 2.0, as the rest of Steersman is. The training
text is not part of the package. The licences named above are those of the original collections: the
copies of TinyStories mostly do not restate theirs, the CC BY files do not state a version, and some
authors of the older books died after 1955, so that their texts may still be protected in countries
that count seventy years from an author's death.
"""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def architecture(config: dict[str, Any], measured: Measurement) -> str:
    """Sizes of the network."""
    return (
        f"Llama: {measured.parameters / 1e6:.2f}M parameters, {config['num_hidden_layers']} layers of width "
        f"{config['hidden_size']} (feed-forward {config['intermediate_size']}), {config['num_attention_heads']} query "
        f"heads and {config['num_key_value_heads']} key-value heads, tied embeddings, RoPE with base "
        f"{config['rope_parameters']['rope_theta']:g}, context length {config['max_position_embeddings']} tokens, "
        f"weights in bf16."
    )


def training(stages: Sequence[Stage]) -> str:
    """How it was trained, stage by stage, from its record."""
    if not stages:
        return "No training record is kept with this model."
    many = "stages, each going on from the one before" if len(stages) > 1 else "stage"
    lines = [f"It saw {total_tokens(stages) / 1e6:.1f}M tokens in {len(stages)} {many}:\n"]
    for number, stage in enumerate(stages, start=1):
        where = f" on {stage.device}, {stage.seconds / 60:.0f} minutes" if stage.device else ""
        steps = f", {stage.steps} steps" if stage.steps else ""
        lines.append(f"{number}. {stage.tokens / 1e6:.1f}M tokens{steps}{where}: `{stage.command}`")
    lines.append(
        "\nThe script trains hidden matrices with Muon, embeddings and norms with AdamW, under bf16 autocast; the rate "
        "rises, stays, then falls linearly to zero; the last third of a stage uses rows of the full context length; "
        "the weights are a moving average."
    )
    return "\n".join(lines)


def figures(measured: Measurement) -> str:
    """Held-out bits per byte, overall and by kind, beside the baselines."""

    def cells(row: Any) -> list[str]:
        return [f"{row[column]:.3f}" for column in measured.columns]

    documents = sum(count for count, _ in measured.sizes.values())
    size = sum(count for _, count in measured.sizes.values())
    rows = [["all", str(documents), str(size), *cells(measured.overall)]]
    for kind, row in measured.by_kind.items():
        rows.append([kind, *map(str, measured.sizes[kind]), *cells(row)])
    return table(["held-out text", "documents", "bytes", *measured.columns], rows)


def data(documents: Sequence[Document]) -> str:
    """The training text by kind: size, weight range, origin, licence."""
    rows = []
    for kind in dict.fromkeys(kind_of(document.source) for document in documents):
        chosen = [document for document in documents if kind_of(document.source) == kind]
        weights = sorted({document.weight for document in chosen})
        megabytes = sum(len(document.text.encode("utf-8")) for document in chosen) / 1e6
        origin = ORIGINS.get(kind)
        what, licence = (origin.what, origin.licence) if origin else ("not described", "not stated")
        span = f"{weights[0]:g}" if len(weights) == 1 else f"{weights[0]:g} to {weights[-1]:g}"
        rows.append([f"{kind}: {what}", f"{megabytes:.1f}", span, licence])
    return table(["text", "MB", "copies a pass", "licence"], rows)


def card(folder: Path, documents: Sequence[Document], measured: Measurement, stages: Sequence[Stage]) -> str:
    """The text of the card."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    credited = (folder / "ATTRIBUTION.md").is_file()
    credits = "Titles and authors are credited in [ATTRIBUTION.md](ATTRIBUTION.md). " if credited else ""
    samples = "\n\n".join(
        f"Seed {seed}:\n\n" + "\n".join(f"> {line}" for line in text.splitlines())
        for seed, text in enumerate(measured.samples)
    )
    parts = [
        HEAD,
        f"## Architecture\n\n{architecture(config, measured)}\n",
        TOKENIZER.format(size=config["vocab_size"]),
        f"## Training\n\n{training(stages)}\n",
        f"## Held-out bits per byte\n\n{figures(measured)}\n\n{METHOD}",
        f"## Samples\n\n{SAMPLES}\n\n{samples}\n",
        f"## Training text\n\n{data(documents)}\n\n{credits}All text was made plain ASCII.\n",
        LIMITS,
    ]
    return "\n".join(parts)

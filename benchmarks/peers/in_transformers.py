"""Bare decoding by `transformers`: `generate` with a key-value cache, all rows in one batch, sampling as the model says
(temperature 1, no truncation)."""

from __future__ import annotations

from benchmarks.peers.work import Job, Produced, Side, of_texts, serve


def prepare(folder: str) -> Side:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def bare(job: Job) -> Produced:
        torch.manual_seed(job.seed)
        prompt = tokenizer.encode(tokenizer.bos_token + job.prompt)
        ids = torch.tensor([prompt] * job.particles)
        with torch.inference_mode():
            out = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                max_new_tokens=job.tokens, use_cache=True,
            )
        return of_texts(prompt, out[:, len(prompt) :].tolist())

    class Transformers(Side):
        tasks = {"bare": bare}  # noqa: RUF012

        def clear(self) -> None:
            """Every call of `generate` begins with an empty cache."""

    return Transformers()


if __name__ == "__main__":
    serve(prepare)

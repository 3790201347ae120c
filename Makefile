# Everything sets itself up in .venv; all that is needed is Python 3.11+ and make.
.PHONY: demo test test-all parity lint bench bench-peers clean
.DELETE_ON_ERROR:

# The first Python that runs and is new enough (a command may exist and not run: version managers leave such shims).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
PEERS := .venv-peers
RUN := $(VENV)/bin/python
# Two cores: keep XLA and BLAS from fighting over them, and let nothing reach for a hub.
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

demo: $(VENV)/.installed
	@$(RUN) -m examples.story

test: $(VENV)/.installed-dev
	$(RUN) -m pytest -n 2 -m "not slow"

# Both tiers: the long statistical tests as well.
test-all: $(VENV)/.installed-dev
	$(RUN) -m pytest -n 2

# The tests against the PyTorch reference of transformers; `make test` skips them where torch is not installed.
parity: $(VENV)/.installed-parity
	$(RUN) -m pytest -n 2 $$(grep -rl 'importorskip("torch")' tests)

lint: $(VENV)/.installed-dev .typing
	$(VENV)/bin/ruff check .
	MYPYPATH=.typing $(VENV)/bin/mypy -p steersman.ppl -p steersman.inference -p steersman.models -p steersman.cli

bench: $(VENV)/.installed
	@$(RUN) -m benchmarks

# Beside other libraries, which have an environment of their own.
bench-peers: $(VENV)/.installed $(PEERS)/.installed
	@$(RUN) -m benchmarks.peers --python $(PEERS)/bin/python

# Static checkers do not follow an editable install of mapped folders, so they get a tree of links.
.typing: Makefile
	mkdir -p .typing/steersman
	for d in ppl inference models cli; do ln -sfn ../../$$d .typing/steersman/$$d; done
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Steersman needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

$(VENV)/.installed-parity: $(VENV)/.installed-dev
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[parity]"
	@touch $@

# The CPU build of PyTorch where the index has it under that name, else what it has. A peer that cannot be installed is
# reported in the table.
PEERS_TORCH ?= torch==2.13.0+cpu
$(PEERS)/.installed:
	@test -n "$(PYTHON)" || { echo "Steersman needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(PEERS)
	for p in "$(PEERS_TORCH)" torch transformers llamppl genlm-control; do \
		$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $$p || echo "$$p: not installed" >&2; done
	@touch $@

clean:
	rm -rf $(VENV) $(PEERS) .typing build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

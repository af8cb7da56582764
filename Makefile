# `make filters` and `make test` do everything, from making the environment on.
# Override PYTHON to choose the interpreter, VENV to choose where the environment goes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(shell find sparsecode -name '*.py')

.PHONY: filters test lint docs bench-all bench-quick bench-filters bench-proximal bench-coding bench-learning bench-recovery bench-amortisation bench-unrolled bench-denoising bench-dropin bench-import bench-memory clean

filters: $(VENV)/.installed
	$(BIN)/sparsecode filters

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n logical --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/check_pages.py docs/_build/html

# BENCH="--short" takes about twelve minutes; an interrupted run goes on where it was.
bench-all: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/run_all.py $(BENCH)

bench-quick: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/run_all.py --quick

bench-filters: $(VENV)/.installed
	$(BIN)/python benchmarks/filters.py

bench-import: $(VENV)/.installed
	$(BIN)/python benchmarks/import_time.py

bench-memory: $(VENV)/.installed
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/learning_memory.py
	$(BIN)/python benchmarks/many_atoms.py

bench-denoising: $(VENV)/.installed
	$(BIN)/python benchmarks/denoising.py

bench-dropin: $(VENV)/.installed
	$(BIN)/python benchmarks/dropin.py

bench-coding: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/coding/table.py

bench-learning: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/learning/table.py

bench-recovery: $(VENV)/.installed
	$(BIN)/python benchmarks/recovery.py

bench-amortisation: $(VENV)/.installed
	$(BIN)/python benchmarks/amortisation_gap/table.py

bench-unrolled: $(VENV)/.installed
	$(BIN)/python benchmarks/unrolled/nmse.py
	$(BIN)/python benchmarks/unrolled/speed.py

bench-autoencoders: $(VENV)/.installed
	$(BIN)/python benchmarks/autoencoders/out_of_distribution.py
	$(BIN)/python benchmarks/autoencoders/winner_take_all.py
	$(BIN)/python benchmarks/autoencoders/kl.py
	$(BIN)/python benchmarks/autoencoders/cs294a.py
	$(BIN)/python benchmarks/autoencoders/dead_units.py

bench-proximal: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/proximal.py

# Each stamp is renewed when what it installs from changes. `build` may hold files of old sources.
$(VENV)/.installed: setup.cfg pyproject.toml $(SOURCES) | $(BIN)/python
	@rm -rf build
	$(BIN)/python -m pip install --quiet '.[cli]'
	@touch $@

$(VENV)/.installed-%: setup.cfg pyproject.toml $(SOURCES) | $(BIN)/python
	@rm -rf build
	$(BIN)/python -m pip install --quiet '.[$*]'
	@touch $@ $(VENV)/.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

clean:
	rm -rf $(VENV) build docs/_build docs/auto_gallery docs/notebooks docs/api/generated docs/api/backreferences \
		.pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

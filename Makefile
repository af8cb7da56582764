# `make filters` and `make test` do everything, from making the environment on.
# Override PYTHON to choose the interpreter, VENV to choose where the environment goes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(shell find sparsecode -name '*.py')

# With the oldest versions of the libraries, and with what publishing needs.
OLDEST := $(VENV)-oldest
PUBLISH := $(VENV)-publish
# With other libraries, which bring a BLAS of their own.
PEERS := $(VENV)-peers

.PHONY: filters test test-short test-oldest test-peers package-check lint docs bench-all bench-quick bench-filters bench-proximal bench-coding bench-learning bench-recovery bench-amortisation bench-unrolled bench-denoising bench-dropin bench-import bench-memory clean

filters: $(VENV)/.installed
	$(BIN)/sparsecode filters

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n logical --dist worksteal

# A part of the tests for other versions. Kernels run as Python in most; a few are compiled.
PLAIN := tests/penalties tests/datasets/test_images.py tests/test_constraints.py tests/test_dictionary.py \
	tests/test_extras.py tests/test_serialization.py tests/test_plotting.py tests/test_validation.py \
	tests/estimators/test_older_scikit_learn.py
COMPILED := tests/estimators/test_sklearn_checks.py -k CoderOfRandomAtoms

test-short: $(VENV)/.installed-test
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -n logical $(PLAIN)
	$(BIN)/python -m pytest -q -n logical $(COMPILED)

# Libraries of long ago warn of each other, and Pillow wrote no such file.
OLD := -W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning \
	--deselect "tests/datasets/test_images.py::TestPictures::test_16_bits[pgm]"
test-oldest: $(OLDEST)/.installed
	NUMBA_DISABLE_JIT=1 $(OLDEST)/bin/python -m pytest -q -n logical $(OLD) $(PLAIN)
	$(OLDEST)/bin/python -m pytest -q -n logical $(OLD) $(COMPILED)

# RELEASE=--release refuses what is not ready to be published.
package-check: $(PUBLISH)/.installed $(VENV)/.installed-test
	$(PUBLISH)/bin/python tools/package.py --tests-with $(abspath $(BIN))/python $(RELEASE)

# The pages for those who come from other libraries, which must be there.
test-peers: $(PEERS)/.installed
	$(PEERS)/bin/python -m pytest -q tests/test_doctests.py -k "from_spams or from_ksvd"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -j auto -b html docs docs/_build/html
	$(BIN)/python docs/check_pages.py docs/_build/html

# BENCH="--short" takes about eighteen minutes; an interrupted run goes on where it was.
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

$(OLDEST)/.installed: setup.cfg pyproject.toml tools/oldest.py $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit("The oldest versions need Python 3.11 or 3.12: make PYTHON=..." if sys.version_info >= (3, 13) else 0)'
	$(PYTHON) -m venv $(OLDEST)
	$(PYTHON) tools/oldest.py cli matlab > $(OLDEST)/constraints.txt
	@rm -rf build
	$(OLDEST)/bin/python -m pip install --quiet --no-compile --constraint $(OLDEST)/constraints.txt \
		'.[cli,matlab]' pytest pytest-xdist hypothesis
	@touch $@

$(PEERS)/.installed: setup.cfg pyproject.toml $(SOURCES)
	$(PYTHON) -m venv $(PEERS)
	@rm -rf build
	$(PEERS)/bin/python -m pip install --quiet '.[cli,peers]' pytest hypothesis
	@touch $@

$(PUBLISH)/.installed:
	$(PYTHON) -m venv $(PUBLISH)
	$(PUBLISH)/bin/python -m pip install --quiet build twine check-wheel-contents pyroma
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

clean:
	rm -rf $(VENV) $(VENV)-* build dist docs/_build docs/auto_gallery docs/notebooks docs/api/generated docs/api/backreferences \
		.pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

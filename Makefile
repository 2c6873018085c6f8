# Every target sets up what it needs: a fresh machine wants Python 3.11 or newer, and make.

PYTHON ?= python3
JOBS ?= 2
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := live,parquet,play,learn,notebook,dask,docs,dev

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export MPLBACKEND ?= Agg

.PHONY: help demo test oracles slow check format bench docs notebooks constraints clean distclean
.DEFAULT_GOAL := help

help:
	@echo 'make demo         run the two seed scenarios, with and without their proxy'
	@echo 'make test         the quick tests'
	@echo 'make oracles      long runs against exact and independent results'
	@echo 'make slow         tests marked slow'
	@echo 'make check        format, lint, types, floors'
	@echo 'make format       put the code into shape'
	@echo 'make bench        speed and memory'
	@echo 'make docs         the site, with its lessons and gallery, into out/docs/'
	@echo 'make notebooks    execute every notebook, and hold it against what it shows'
	@echo 'make constraints  resolve all dependencies anew into constraints.txt'
	@echo 'make clean        remove what was made; distclean removes $(VENV) too'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "proxysim needs Python 3.11 or newer; choose one with: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

demo: $(STAMP)
	$(BIN)/proxysim run office-forward-proxy --without gateway --out out/office-forward-proxy
	$(BIN)/proxysim run website-reverse-proxy --without edge --out out/website-reverse-proxy

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) -m 'not slow and not oracle' $(PYTEST_ARGS)

oracles: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) -m oracle $(PYTEST_ARGS)

slow: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) -m slow $(PYTEST_ARGS)

check: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(STAMP)
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.balancers
	$(BIN)/python -m benchmarks.eviction

docs: $(STAMP)
	$(BIN)/python docs/build_site.py

notebooks: $(STAMP)
	$(BIN)/python docs/lessons.py

constraints:
	rm -rf $(VENV)-constraints
	$(PYTHON) -m venv $(VENV)-constraints
	$(VENV)-constraints/bin/python -m pip install --quiet --editable '.[$(EXTRAS),bench]'
	$(VENV)-constraints/bin/python -m pip freeze --exclude proxysim > constraints.txt
	rm -rf $(VENV)-constraints

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)*' -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(VENV)-constraints

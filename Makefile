# From a fresh clone: `make demo` trains, evaluates and draws; `make test` checks everything. Needs python3 >= 3.10.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
FORKS_BIN := .venv-forks/bin
# Each process begins with half of the tests, in order, so that fixtures of a module are made once, and ends with the other's.
PYTEST := -m pytest -q -n $(WORKERS) --dist worksteal
# What needs a GPU runs in the environment of the tests, or with what is installed: `make test-gpu PYTHON=python3 ENV=`.
ENV ?= env-dev
GPU_PYTHON := $(if $(ENV),$(BIN)/python,$(PYTHON))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One thread each: a second one would keep the other tests waiting.
test test-all test-forks: export OMP_NUM_THREADS = 1

.PHONY: env env-dev env-forks demo benchmark benchmark-gpu docs lint test test-all test-forks test-versions test-gpu clean

env: .venv/installed
env-dev: .venv/installed-dev
env-forks: .venv-forks/installed

.venv/installed: requirements/tested.txt setup.py pyproject.toml
.venv-forks/installed: requirements/forks.txt requirements/dev.txt requirements/no_deps.txt setup.py pyproject.toml

# Python compiles what is imported; all that is installed takes minutes.
%/installed:
	$(PYTHON) -m venv $*
	$*/bin/python -m pip install -q --no-compile $(foreach file,$(filter-out %/no_deps.txt,$(filter requirements/%,$^)),-r $(file))
	$*/bin/python -m pip install -q --no-compile --no-deps $(foreach file,$(filter %/no_deps.txt,$^),-r $(file)) --no-build-isolation -e .
	@touch $@

.venv/installed-dev: requirements/dev.txt requirements/no_deps.txt .venv/installed
	$(BIN)/python -m pip install -q --no-compile -r requirements/dev.txt
	$(BIN)/python -m pip install -q --no-compile --no-deps -r requirements/no_deps.txt
	@touch $@

demo: env
	$(BIN)/python tools/demo.py

benchmark: env-dev
	$(BIN)/python tools/benchmark.py --out work_dirs/benchmark

benchmark-gpu: $(ENV)
	PYTHONPATH=$(CURDIR):$(PYTHONPATH) $(GPU_PYTHON) tools/benchmark_gpu.py --out work_dirs/benchmark-gpu

docs: env-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict -q

lint: env-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python $(PYTEST) -m 'not slow and not gpu'

test-all: lint
	$(BIN)/python $(PYTEST) -m 'not gpu'

test-gpu: $(ENV)
	PYTHONPATH=$(CURDIR):$(PYTHONPATH) $(GPU_PYTHON) -m pytest -q -m 'gpu and not slow' $(addprefix tests/,apis distributed engine models parity)

test-versions: env-dev
	$(BIN)/python tools/try_versions.py --out work_dirs/versions

test-forks: env-forks
	$(FORKS_BIN)/python -m pip list --format=freeze | grep -E '^(torch|onedl|numpy|opencv|scipy)'
	$(FORKS_BIN)/python $(PYTEST) -m 'not gpu'

clean:
	rm -rf .venv .venv-forks build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

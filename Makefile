# make demo: see it work.  make test: everything is tested.  make help: the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo test check lock bench clean format audit

help:
	@echo "make demo    start Ratchet on a local Slack with an example workspace"
	@echo "make test    run every test"
	@echo "make check   lint, types, import contracts"
	@echo "make bench   measure; writes bench/out"
	@echo "make lock    resolve dependencies anew"
	@echo "make audit   known vulnerabilities in what is locked"
	@echo "make clean   remove the environment and the demo's data"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Ratchet needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version`. Try: make PYTHON=python3.12 demo"; exit 1; }
	@echo "==> Creating the Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot create an environment; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml
	@echo "==> Installing Ratchet and what it needs (about a minute the first time)"
	@$(PIP) install --quiet --progress-bar on --no-deps --require-hashes -r requirements/run.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml
	@echo "==> Installing Ratchet and its development tools (about a minute the first time)"
	@$(PIP) install --quiet --progress-bar on --no-deps --require-hashes -r requirements/dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@

demo: $(VENV)/.run
	@$(BIN)/ratchet dev $(DEMO_ARGS)

test: $(VENV)/.dev
	@echo "==> Running every test"
	@$(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

check: $(VENV)/.dev
	@echo "==> ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "==> mypy --strict" && $(BIN)/mypy
	@echo "==> import contracts" && $(BIN)/lint-imports

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix-only . && $(BIN)/ruff format .

bench: $(VENV)/.dev
	@$(BIN)/python -m bench $(BENCH_ARGS)

lock:
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --group pyproject.toml:build pyproject.toml -o requirements/run.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --group pyproject.toml:build --group pyproject.toml:dev pyproject.toml -o requirements/dev.txt

# In an environment of its own: what audits is not part of what is audited.
audit:
	@test -x $(VENV)/audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)/audit && \
	  $(VENV)/audit/bin/python -m pip --disable-pip-version-check install --quiet pip-audit; }
	@$(VENV)/audit/bin/python requirements/audit.py

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache bench/out

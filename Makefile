# Every target installs what it needs into .venv, from the lock files. Requirements: Python
# 3.11 or later, make and a package registry. `make help` lists the targets.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
PROFILE ?= quick
READER ?= journal
SECONDS ?= 60
ARGS ?=

NEEDS_PYTHON = @$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>&- \
	|| { echo "make: Python 3.11 or later is needed: set PYTHON=/path/to/python3" >&2; exit 1; }

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILED := $(wildcard transports/native/*.[ch] bench/loops/*.[ch])
INSTALLED := $(VENV)/installed
DEVELOPED := $(VENV)/developed
PAGE_CHECKS := $(VENV)/node/installed

# One test process for each CPU. A test that hangs in C ends its process, and so the run.
PARALLEL := -n auto --maxprocesses 4 --max-worker-restart 0

COMPILE := ../$(VENV)-lock/bin/uv --quiet pip compile --universal --python-version 3.11 \
	--generate-hashes --no-annotate --upgrade --custom-compile-command 'make lock'
NO_BINDINGS := --no-emit-package sysv-ipc --no-emit-package posix-ipc

FUZZER = @$(PIP) install --require-hashes -r locks/atheris.txt 2>$(VENV)/atheris.log \
	|| echo "make: atheris cannot be installed ($(VENV)/atheris.log): inputs are random"

.DEFAULT_GOAL := help
.PHONY: help bench report test lint format gate bench-self soak fuzz sanitize lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

bench: $(INSTALLED) ## measure for about three minutes and write the page: PROFILE=smoke|standard ARGS=...
	$(BIN)/ipcbench run --profile $(PROFILE) $(ARGS)

report: $(INSTALLED) ## write the page of the newest run again
	$(BIN)/ipcbench report results/latest

gate: $(INSTALLED) ## measure what thresholds.toml promises until it is decided, and check it
	rm -rf results/gate
	$(BIN)/ipcbench run --promised thresholds.toml --until-decided --output results/gate
	$(BIN)/ipcbench check results/gate --thresholds thresholds.toml

# Tests start thousands of processes. Compiled once, modules load faster in each of them, also where
# PYTHONDONTWRITEBYTECODE is set.
test: lint $(PAGE_CHECKS) ## run lint, types and tests: ARGS="tests/unit -x"
	@$(BIN)/python -m compileall -q transports bench reports ipcbench tests
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

soak: $(DEVELOPED) ## run the long tests, or continue them: ARGS="contract starts kills looks fuzz rings latest"
	$(FUZZER)
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(DEVELOPED) ## fuzz a reader: READER=journal|suite|profile|thresholds SECONDS=60
	$(FUZZER)
	$(BIN)/python -m tests.fuzz $(READER) --seconds $(SECONDS) $(ARGS)

sanitize: $(DEVELOPED) ## test the compiled parts under sanitizers, half an hour or less: ARGS="-k futex"
	$(BIN)/python -m tests.sanitize $(ARGS)

lint: $(DEVELOPED) ## run ruff, codespell and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

format: $(DEVELOPED) ## format the code with ruff
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-self: $(DEVELOPED) ## measure the cost of the harness itself
	$(BIN)/python -m tests.bench_self $(ARGS)

lock: ## resolve the lock files again
	$(NEEDS_PYTHON)
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip --quiet install uv
	cd locks && $(COMPILE) $(NO_BINDINGS) ../pyproject.toml build.in --output-file run.txt
	cd locks && $(COMPILE) $(NO_BINDINGS) ../pyproject.toml build.in \
	  --group ../pyproject.toml:dev --constraint run.txt --output-file dev.txt
	cd locks && for alone in sysv_ipc posix_ipc pyzmq pynng playwright atheris; do \
	  $(COMPILE) $$alone.in --output-file $$alone.txt; done
	@command -v npm >/dev/null && cd tests/browser && npm update --package-lock-only --no-audit --no-fund \
	  || echo "make: without npm, tests/browser/package-lock.json stays as it is"
	rm -rf $(VENV)-lock

clean: ## remove what killed runs have left
	@if [ -x $(BIN)/ipcbench ]; then $(BIN)/ipcbench clean; fi

$(BIN)/python:
	$(NEEDS_PYTHON)
	$(PYTHON) -m venv $(VENV) || { rm -f $@; exit 1; }

# The bindings and the native runtime are compiled. Without a wheel or a compiler the
# transports that need them are unavailable, and everything else works.
$(INSTALLED): $(BIN)/python pyproject.toml setup.py $(COMPILED) $(wildcard locks/*.txt)
	$(PIP) install --require-hashes -r locks/run.txt
	@for binding in sysv_ipc posix_ipc; do \
	  $(PIP) install --require-hashes -r locks/$$binding.txt 2>$(VENV)/$$binding.log \
	    || echo "make: $$binding cannot be installed ($(VENV)/$$binding.log): its transports are unavailable"; \
	done
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The libraries of the extra `libraries`, so that their transports are tested, and the driver of the
# browser: their wheels alone, since a build would take minutes.
$(DEVELOPED): $(INSTALLED) locks/dev.txt
	$(PIP) install --require-hashes -r locks/dev.txt
	@for library in pyzmq pynng playwright; do \
	  $(PIP) install --only-binary :all: --require-hashes -r locks/$$library.txt \
	      2>$(VENV)/$$library.log \
	    || echo "make: $$library cannot be installed ($(VENV)/$$library.log): its tests are skipped"; \
	done
	@touch $@

# The checks of the page that come from npm. Without it, their tests are skipped.
$(PAGE_CHECKS): tests/browser/package-lock.json | $(BIN)/python
	@mkdir -p $(@D)
	@cp tests/browser/package.json tests/browser/package-lock.json $(@D)/
	@if command -v npm >/dev/null; then \
	  npm ci --prefix $(@D) --no-audit --no-fund --loglevel error >$(VENV)/npm.log 2>&1 && touch $@ \
	    || echo "make: axe-core and html-validate cannot be installed ($(VENV)/npm.log): their tests are skipped"; \
	else echo "make: without npm, the tests by axe-core and html-validate are skipped"; fi

# Every target sets up what it needs, in .venv, from the lock files: Python 3.11 or
# later, make and the package registry are enough. `make help` lists them.

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

COMPILE := ../$(VENV)-lock/bin/uv --quiet pip compile --universal --python-version 3.11 \
	--generate-hashes --no-annotate --upgrade --custom-compile-command 'make lock'
NO_BINDINGS := --no-emit-package sysv-ipc --no-emit-package posix-ipc

FUZZER = @$(PIP) install --require-hashes -r locks/atheris.txt 2>$(VENV)/atheris.log \
	|| echo "make: atheris cannot be had here ($(VENV)/atheris.log): inputs are at random"

.DEFAULT_GOAL := help
.PHONY: help bench report test lint format gate bench-self soak fuzz sanitize lock clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

bench: $(INSTALLED) ## measure (about three minutes) and write the page: PROFILE=smoke|standard, ARGS=...
	$(BIN)/ipcbench run --profile $(PROFILE) $(ARGS)

report: $(INSTALLED) ## write the newest run's page anew
	$(BIN)/ipcbench report results/latest

gate: $(INSTALLED) ## measure what thresholds.toml promises, and hold it
	rm -rf results/gate
	$(BIN)/ipcbench run --promised thresholds.toml --output results/gate
	$(BIN)/ipcbench check results/gate --thresholds thresholds.toml

test: lint ## lint, types and all tests
	$(BIN)/python -m pytest $(ARGS)

soak: $(DEVELOPED) ## what is long: contract, starts, kills, fuzz, rings; goes on where it was stopped
	$(FUZZER)
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(DEVELOPED) ## break a reader: READER=journal|suite|profile|thresholds SECONDS=60
	$(FUZZER)
	$(BIN)/python -m tests.fuzz $(READER) --seconds $(SECONDS) $(ARGS)

sanitize: $(DEVELOPED) ## the compiled parts under sanitizers, some five minutes: ARGS="-k futex"
	$(BIN)/python -m tests.sanitize $(ARGS)

lint: $(DEVELOPED) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEVELOPED) ## let ruff lay out the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-self: $(DEVELOPED) ## what the harness itself costs
	$(BIN)/python -m tests.bench_self $(ARGS)

lock: ## resolve the lock files anew
	$(NEEDS_PYTHON)
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip --quiet install uv
	cd locks && $(COMPILE) $(NO_BINDINGS) ../pyproject.toml build.in --output-file run.txt
	cd locks && $(COMPILE) $(NO_BINDINGS) ../pyproject.toml build.in \
	  --group ../pyproject.toml:dev --constraint run.txt --output-file dev.txt
	cd locks && for alone in sysv_ipc posix_ipc atheris; do \
	  $(COMPILE) $$alone.in --output-file $$alone.txt; done
	rm -rf $(VENV)-lock

clean: ## remove what killed runs left behind
	@if [ -x $(BIN)/ipcbench ]; then $(BIN)/ipcbench clean; fi

$(BIN)/python:
	$(NEEDS_PYTHON)
	$(PYTHON) -m venv $(VENV) || { rm -f $@; exit 1; }

# The bindings are compiled; without a wheel and a compiler their transports are
# unavailable, and everything else works. So is the native runtime.
$(INSTALLED): $(BIN)/python pyproject.toml setup.py $(COMPILED) $(wildcard locks/*.txt)
	$(PIP) install --require-hashes -r locks/run.txt
	@for binding in sysv_ipc posix_ipc; do \
	  $(PIP) install --require-hashes -r locks/$$binding.txt 2>$(VENV)/$$binding.log \
	    || echo "make: $$binding cannot be had here ($(VENV)/$$binding.log): its transports are unavailable"; \
	done
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPED): $(INSTALLED) locks/dev.txt
	$(PIP) install --require-hashes -r locks/dev.txt
	@touch $@

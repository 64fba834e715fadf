# ninefold: `make demo` runs it, `make test` tests it. Both set up all they need in .venv first; a second run sets up nothing.

VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
PYTHONS := python3 python3.13 python3.12 python3.11
PYTHON ?= $(shell for p in $(PYTHONS); do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && command -v $$p && break; done)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile  # what is used is compiled when it is
WEB := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)
LOOPS := $(wildcard src/ninefold/backtest/*.py src/ninefold/backtest/ticks/*.py src/ninefold/formula/*_loop.py)
ARGS ?=
unexport PYTHONDONTWRITEBYTECODE  # every process would compile all it loads, and every test file, again
PARALLEL := --dist loadscope --no-loadscope-reorder
# Tests write into memory where there is plenty: a disk that is asked to sync thousands of times is what they would wait for.
# `make torture` stays on the disk.
MEMORY := $(shell awk '/MemAvailable/ {exit $$2 < 8000000}' /proc/meminfo 2>/dev/null && [ -w /dev/shm ] && \
	df -Pk /dev/shm | awk 'NR == 2 {exit $$4 < 4000000}' && echo TMPDIR=/dev/shm)

.PHONY: help demo setup test quick torture fuzz bench-capture bench-research bench-ticks bench-trading check audit proof pins clean
MAKEFLAGS += -j2  # both cores; pips wait for each other, because two in one environment disturb each other

help:
	@echo "make demo     set up and run the demo; ARGS=\"--seconds 60 --json\" hands arguments on"
	@echo "make test     set up and run the tests (10 minutes); make quick: those of under a minute; make torture: the long ones;  make fuzz: any bytes into every parser, an hour (ARGS=\"--seconds 60\")"
	@echo "make audit    known vulnerabilities and licences of all that the program brings (asks public databases)"
	@echo "make setup    only set up;  make check: lint, types, import direction, docs;  make proof: what docs/proof.md says"
	@echo "make pins     recompile the pinned requirements (needs uv);  make clean: remove all that make made"

demo: setup
	@exec $(BIN)/ninefold demo $(ARGS)

setup: $(DONE)/web $(DONE)/quick

test: $(DONE)/compiled $(DONE)/web $(DONE)/collected
	$(MEMORY) $(BIN)/python -m pytest -n 4 $(PARALLEL) $(ARGS)

quick: $(DONE)/compiled $(DONE)/web $(DONE)/collected
	$(MEMORY) NINEFOLD_PROPERTIES=quick $(BIN)/python -m pytest -m "not slow and not torture" -n 2 $(PARALLEL) $(ARGS)

torture: $(DONE)/web $(DONE)/collected
	NINEFOLD_PROPERTIES=thorough $(BIN)/python -m pytest -m "torture or hypothesis" --timeout 7200 $(ARGS)

fuzz: $(DONE)/dev $(DONE)/package
	@$(INSTALL) --require-hashes -r requirements-fuzz.txt
	$(BIN)/python -m tests.fuzz $(ARGS)

bench-capture: $(DONE)/dev $(DONE)/package bench/.venv/.done
	$(BIN)/python -m bench.capture $(ARGS)

bench-research: $(DONE)/dev $(DONE)/compiled bench/.venv-research/.done bench/.venv-research-ticks/.done
	$(BIN)/python -m bench.research.streaming --peer bench/.venv-research/bin/python --nautilus bench/.venv-research-ticks/bin/python
	$(BIN)/python -m bench.research.bars $(ARGS)
	$(BIN)/python -m bench.research.command
	$(BIN)/python -m bench.research.honesty

bench-ticks: $(DONE)/dev $(DONE)/compiled bench/.venv-research-ticks/.done
	$(BIN)/python -m bench.research.ticks $(ARGS)

bench-trading: $(DONE)/dev $(DONE)/compiled
	$(BIN)/python -m bench.trading.latency $(ARGS)

bench/.venv-research-ticks/.done: bench/research/requirements-peers-ticks.txt
	@echo "installing the peers that back-tests on trades and books are measured against"
	@$(PYTHON) -m venv bench/.venv-research-ticks
	@bench/.venv-research-ticks/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/research/requirements-peers-ticks.txt
	@touch $@

bench/.venv-research/.done: bench/research/requirements-peers.txt
	@echo "installing the peers that back-tests are measured against"
	@$(PYTHON) -m venv bench/.venv-research
	@bench/.venv-research/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/research/requirements-peers.txt
	@touch $@

bench/.venv/.done: bench/requirements.txt
	@echo "installing the peers that ninefold is measured against (some 800 MB)"
	@$(PYTHON) -m venv bench/.venv
	@bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.txt
	@touch $@

check: $(DONE)/dev $(DONE)/web
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin
	$(BIN)/python -m pytest tests/test_architecture.py tests/test_docs.py

audit: $(DONE)/dev $(VENV)/audit/.done
	@$(BIN)/python scripts/audit.py $(VENV)/audit/bin/python

$(VENV)/audit/.done: requirements-audit.txt $(DONE)/venv
	@echo "installing pip-audit in an environment of its own"
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@

proof: $(DONE)/dev $(DONE)/web
	$(BIN)/python scripts/proof.py

pins:
	scripts/compile_requirements.sh

clean:
	rm -rf $(VENV) web/node_modules src/ninefold/api/static

$(DONE)/venv:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found among: $(PYTHONS)." \
		"Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { echo "no virtual environment could be made;" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@mkdir -p $(DONE) && touch $@

$(DONE)/requirements: requirements.txt requirements-build.txt $(DONE)/venv
	@echo "installing what ninefold runs on (some 300 MB, a minute or two)"
	@$(INSTALL) --require-hashes -r requirements.txt -r requirements-build.txt
	@touch $@

$(DONE)/package: pyproject.toml hatch_build.py $(DONE)/requirements
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DONE)/quick: $(DONE)/package
	@$(BIN)/python -m ninefold.services.quicken
	@touch $@

$(DONE)/compiled: $(DONE)/compiled-bars $(DONE)/compiled-ticks
	@touch $@

$(DONE)/compiled-%: $(DONE)/quick $(LOOPS)
	@echo "compiling the loops of back-tests on $* (a minute)"
	@$(BIN)/python -m ninefold.backtest.warm $*
	@touch $@

$(DONE)/web: $(WEB) scripts/build_web.py $(DONE)/package
	@$(BIN)/python scripts/build_web.py
	@touch $@

$(DONE)/dev: requirements-dev.txt $(DONE)/requirements | $(DONE)/package
	@echo "installing what the tests need"
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

$(DONE)/collected: $(DONE)/dev
	@echo "compiling the tests"  # once: four that begin together would each do it
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null; touch $@

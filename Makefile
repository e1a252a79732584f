# Everything starts here: `make help` lists what there is.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= var

# One file of hashes decides what is installed. pip would make bytecode on one core and for
# thousands of files nobody imports (23 s); we make it on all cores and without those (5 s). Left
# to the first import it would be slow, and leave the processes 50 MB larger until they restart.
NEVER_IMPORTED := /twilio/|/phonenumbers/(geodata|carrierdata|tzdata)/|/pip/|/setuptools/|/tests/
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-input --no-compile

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test contract faults faults-matrix must-fail check lint format types imports lock memory clean programs

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## Start everything with a sample search; Ctrl-C stops it (DATA=dir keeps it elsewhere)
	@exec $(BIN)/textback run --demo --data $(DATA)

setup: $(VENV)/all-in-one.stamp ## Make .venv with all that running needs

setup-dev: $(VENV)/dev.stamp ## Make .venv with all that testing needs too

# A virtual environment, or one sentence that says what is missing.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Textback needs Python 3.11 or newer and $(PYTHON) is $$($(PYTHON) -V 2>&1 | cut -d" " -f2): name a newer one, make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make virtual environments: install its venv package first (Debian, Ubuntu: apt-get install python3-venv), then repeat: make $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Textback itself is installed as a link to this folder, beside the long download of the rest.
define install
@echo "Installing into $(VENV) ($(1)); the first time takes a minute or less …"
@$(PIP) --no-deps -e . & link=$$!; $(PIP) --require-hashes -r requirements/$(1).lock && wait $$link
@$(BIN)/python -m compileall -q -j 0 -x '$(NEVER_IMPORTED)' $(VENV)/lib >/dev/null || true
@touch $@
endef

$(VENV)/all-in-one.stamp: requirements/all-in-one.lock pyproject.toml | $(BIN)/python
	$(call install,all-in-one)

$(VENV)/dev.stamp: requirements/dev.lock pyproject.toml | $(BIN)/python
	$(call install,dev)
	@touch $(VENV)/all-in-one.stamp

test: check programs ## Check everything, then run all tests (what the CI does)
	@# The faults by themselves: some of them name a time within which something has to happen.
	@$(BIN)/python -m pytest --numprocesses 2 --ignore tests/faults; code=$$?; \
	  $(BIN)/python -m pytest tests/faults && exit $$code

# Not part of `test`: it brings 60 MB of Node packages. The document is not ours to keep here.
contract: setup-dev ## Hold texts by Twilio against Twilio's own document: TWILIO_OPENAPI=file (needs npm)
	@[ -n "$(TWILIO_OPENAPI)" ] || { echo "Name Twilio's OpenAPI document (twilio_api_v2010.json of its repository twilio-oai): make contract TWILIO_OPENAPI=file"; exit 1; }
	@[ -f "$(TWILIO_OPENAPI)" ] || { echo "There is no file $(TWILIO_OPENAPI): name Twilio's OpenAPI document, make contract TWILIO_OPENAPI=file"; exit 1; }
	@command -v npm >/dev/null || { echo "Prism, which serves the document, comes by npm, and there is none: install Node.js 18.20 or newer with npm, then repeat"; exit 1; }
	@[ -x $(PRISM) ] || { echo "Installing Prism $(PRISM_VERSION) into $(PRISM_FOLDER) …"; \
	  npm install --prefix $(PRISM_FOLDER) --ignore-scripts --no-audit --no-fund --no-save --loglevel=error @stoplight/prism-cli@$(PRISM_VERSION); }
	@PRISM=$(abspath $(PRISM)) TWILIO_OPENAPI=$(abspath $(TWILIO_OPENAPI)) $(BIN)/python -m pytest -rA -p no:randomly \
	  --no-header tests/contract/test_twilio_document.py
TWILIO_OPENAPI ?=
PRISM_VERSION := 5.14.2
PRISM_FOLDER   = $(DATA)/prism-$(PRISM_VERSION)
PRISM          = $(PRISM_FOLDER)/node_modules/.bin/prism

check: lint types imports ## Check format, style, types and who imports whom

faults: setup-dev ## Kill everything at random under load: JOBS=10000 KILLS=200 SEED=… LEASE=3
	@PYTHONPATH=tests $(BIN)/python -m faults --jobs $(JOBS) --kills $(KILLS) --lease $(LEASE) \
	  $(if $(SEED),--seed $(SEED)) $(if $(DEADLINE),--deadline $(DEADLINE)) $(if $(KEEP),--keep) $(if $(TEXTS),--texts $(TEXTS))
JOBS  ?= 10000
KILLS ?= 200
SEED  ?=
LEASE ?= 3

faults-matrix: setup-dev ## Break each part in each way, for long and with the waits of production
	@FAULTS_LONG=1 $(BIN)/python -m pytest --numprocesses 2 --timeout=400 -rA -p no:randomly \
	  $(filter-out %test_random_run.py %test_must_fail.py,$(wildcard tests/faults/test_*.py))

must-fail: setup-dev ## Take out one guard at a time and show that the fault suite notices
	@PYTHONPATH=tests $(BIN)/python -m faults.broken

lint: setup-dev
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .

types: setup-dev
	@$(BIN)/mypy

imports: setup-dev
	@$(BIN)/lint-imports

format: setup-dev ## Format the code and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Programs that some tests drive and no Python package brings: a browser (with Korean letters to draw
# with) and a pooler. Without them those tests are skipped, and say so.
programs:
	@command -v chromium >/dev/null && command -v pgbouncer >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium, a Korean font and PgBouncer for the tests that drive them …"; \
	    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-nanum pgbouncer) >/dev/null; \
	  else echo "Without Chromium and PgBouncer some tests are skipped: apt-get install chromium fonts-nanum pgbouncer"; fi; }

lock: ## Write requirements/*.lock anew from pyproject.toml (needs uv: pip install uv)
	@command -v uv >/dev/null || { echo "Locks are made with uv: pip install uv"; exit 1; }
	uv pip compile pyproject.toml $(LOCKING) --extra dev -o requirements/dev.lock
	uv pip compile pyproject.toml $(LOCKING) --extra all-in-one -c requirements/dev.lock -o requirements/all-in-one.lock
	uv pip compile pyproject.toml $(LOCKING) --extra images -c requirements/dev.lock -o requirements/server.lock
LOCKING := --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-emit-package textback --no-header

memory: ## Show the memory of a running `make run`, process by process
	@$(BIN)/python benchmarks/memory.py --data $(DATA)

clean: ## Remove .venv and the tools' caches; var/ with your data stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

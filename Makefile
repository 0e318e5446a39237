# MINGUS. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run test setup check lint types fmt migrate bench lighthouse crash storm fuzz sbom advisories clean lock texts screens sim worker web

VENV := .venv
BIN := $(VENV)/bin
FIND_PYTHON := for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$python" && break; \
	done
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Simulator, web and worker; prints the address (PORT=, SIMULATOR_PORT= move them)
	@$(BIN)/python -m mingus.run

test: $(VENV)/.installed-dev ## Everything: lint, types, templates, tests on SQLite and PostgreSQL, a real browser (T=path: one part)
	@$(BIN)/python -m tests.run $(T)

setup: $(VENV)/.installed-dev ## Virtual environment with the development tools

check: test ## The same as test

lint: $(VENV)/.installed-dev ## Style of the code
	@$(BIN)/python -m tests.run --only lint

types: $(VENV)/.installed-dev ## Types of the code
	@$(BIN)/python -m tests.run --only types

fmt: $(VENV)/.installed-dev ## Format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

migrate: $(VENV)/.installed ## Bring the database to this version
	@$(BIN)/flask --app wsgi migrate

web: $(VENV)/.installed ## The web process alone
	@$(BIN)/python -m gunicorn -c python:mingus.gunicorn_conf -b 127.0.0.1:$${PORT:-5000} wsgi:app

worker: $(VENV)/.installed ## The worker alone
	@$(BIN)/python -m mingus.worker

sim: $(VENV)/.installed ## The simulator alone
	@$(BIN)/python -m mingus.simulator --port $${SIMULATOR_PORT:-5001}

bench: $(VENV)/.installed-dev ## The figures, as ratios against baselines of the same run (PARTS="sync imports", LONG=1)
	@$(BIN)/python -m bench $(if $(LONG),--long) $(PARTS)

lighthouse: $(VENV)/.installed-dev ## Lighthouse's marks of the daily pages over 100,000 transactions (LONG=1: the middle of three)
	@$(BIN)/python -m bench lighthouse $(if $(LONG),--long)

crash: $(VENV)/.installed-dev ## Kill the worker RUNS times (SEED=) and hold the ledger against the bank's truth
	@$(BIN)/python -m tests.crash --runs $${RUNS:-200} --seed $${SEED:-7} --walk

storm: $(VENV)/.installed-dev ## Two web processes and four workers on PostgreSQL, killed meanwhile: nothing lost, nothing twice
	@$(BIN)/python -m bench.storm

fuzz: $(VENV)/.installed-dev ## N random requests (10000) over all forms, and as many made from the API's document (FUZZ_SEED=)
	@FUZZ=$${N:-10000} $(BIN)/python -m pytest -q --timeout 0 tests/attacks/test_fuzz.py -k "$${KIND:-sqlite}"

texts: $(VENV)/.installed-dev ## Bring the translations up to what code and templates say
	@$(BIN)/python -m translations

screens: $(VENV)/.installed-dev ## Pictures of every page, phone and desktop, light and dark, to docs/screens (ONLY=part of a name)
	@$(BIN)/python -m tests.screens $(if $(ONLY),--only "$(ONLY)")

lock: $(VENV)/.installed-dev ## Compile the pinned requirements anew from pyproject.toml
	@$(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --no-strip-extras \
		pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --no-strip-extras \
		pyproject.toml --extra redis -c requirements.txt -o requirements-server.txt
	@$(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --no-strip-extras \
		pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

sbom: $(VENV)/.installed ## A software bill of materials from the locked requirements
	@$(BIN)/python -m bench.sbom

advisories: $(VENV)/.installed-dev ## Bring the list of known weaknesses of our packages up to date (FROM=a checkout of pypa/advisory-database)
	@$(BIN)/python -m bench.advisories $(FROM)

clean: ## Remove what was built; .env and var/ stay
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/pyvenv.cfg:
	@python="$$($(FIND_PYTHON))"; \
	if [ -z "$$python" ]; then echo "MINGUS needs Python 3.11, 3.12 or 3.13 on the PATH."; exit 1; fi; \
	"$$python" -m venv $(VENV) || { echo "Python's venv is missing. On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: requirements.txt | $(VENV)/pyvenv.cfg
	@echo "Installing packages (once) ..."
	@$(PIP) -r requirements.txt && touch $@

$(VENV)/.installed-dev: requirements-dev.txt | $(VENV)/pyvenv.cfg
	@echo "Installing packages and development tools (once) ..."
	@$(PIP) -r requirements-dev.txt && touch $@ $(VENV)/.installed

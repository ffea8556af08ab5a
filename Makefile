# Every target sets up what it needs in .venv, from the locked requirements. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-pages serve hapi test test-quick test-spark fuzz mutation mutation-sample check sbom audit format docs bench bench-bulk synthea soak wheel lock clean
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

help:
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: .venv/.core  ## assess the sample records that come with the package; needs no configuration
	@$(BIN)/ferroclaim demo

demo-pages: .venv/.core  ## open the chart page and the worklist with the samples in a browser; no EHR
	@$(BIN)/ferroclaim demo --pages

serve: .venv/.core  ## run the service on 127.0.0.1
	@$(BIN)/ferroclaim serve

hapi: | .venv/bin/python  ## run the HAPI FHIR sandbox in the foreground, on port 8080 or PORT=...
	@.ci/prerequisites java maven
	@$(BIN)/python docker/hapi/run.py --port $(or $(PORT),8080)

test: .venv/.dev  ## everything, with the real HAPI server and a browser (up to 25 minutes)
	@.ci/prerequisites java maven chromium
	@FERROCLAIM_ALL_TESTS=1 .ci/together "$(BIN)/pytest -m aside tests/contract tests/browser" "$(BIN)/pytest -p no:cacheprovider -m 'not aside'"

QUICK = $(BIN)/pytest -q --every 8 --thin 4 -m 'not (hapi or browser or slow)'
test-quick: .venv/.dev  ## of units, scenarios and contracts every eighth case, and every fourth test of one case (up to 2 minutes)
	@.ci/together "$(QUICK) tests/contract" "$(QUICK) -p no:cacheprovider tests/unit tests/scenarios"

test-spark: .venv/.dev .venv/.spark  ## bulk runs by Spark, to Parquet and from object storage, byte for byte (downloads Spark: 400 MB; two minutes)
	@.ci/prerequisites java
	@FERROCLAIM_ALL_TESTS=1 $(BIN)/pytest -q tests/unit/test_bulk_spark.py tests/unit/test_bulk_parquet.py tests/unit/test_bulk_storage.py

fuzz: .venv/.dev  ## the property tests with thousands of new examples each (up to 30 minutes)
	@FERROCLAIM_HYPOTHESIS=fuzz $(BIN)/pytest -q tests/unit/test_properties.py tests/unit/test_bending.py tests/unit/test_unopened.py tests/unit/test_bulk_soundness.py

mutation: .venv/.dev  ## mutants of what decides and reckons, or of ONLY="mappings.dose.waste.*" (an hour or more)
	@nice -n 19 $(BIN)/mutmut run $(ONLY)
	@$(BIN)/python -m tests.mutation.report

mutation-sample: .venv/.dev  ## SAMPLE=500 of the mutants, drawn at random (half an hour)
	@nice -n 19 $(BIN)/mutmut run "mappings.charge.paid.*" > /dev/null
	@cd mutants && nice -n 19 ../$(BIN)/python -m tests.mutation.judging $(or $(SAMPLE),500)
	@$(BIN)/python -m tests.mutation.report

check: .venv/.dev sbom  ## ruff (its security rules among others), mypy, and a bill of materials
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

# What is installed to run ferroclaim, with hashes, as CycloneDX 1.6; made of the lock alone, without a network.
sbom: .venv/.dev  ## write dist/ferroclaim.cdx.json, the bill of materials (CycloneDX)
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements requirements/core.txt --pyproject pyproject.toml --output-reproducible \
		--spec-version 1.6 --output-format JSON --output-file dist/ferroclaim.cdx.json
	@$(BIN)/python .ci/bill.py dist/ferroclaim.cdx.json requirements/core.txt

audit: .venv/.dev  ## known weaknesses of what we depend on; needs the package index, and says so without it
	@$(BIN)/python .ci/audit.py requirements/core.txt requirements/spark.txt

format: .venv/.dev  ## let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

docs: .venv/.core  ## write docs/rules and docs/scopes.md from their data, docs/bending.md from the bending test (two minutes)
	@$(BIN)/python -m docs.make
	@$(BIN)/python -m docs.make.bending

bench: .venv/.dev  ## run every benchmark and print its figures
	@for file in $(filter-out benchmarks/peers.py benchmarks/population.py benchmarks/soak.py,$(wildcard benchmarks/*.py)); do echo "== $$file"; $(BIN)/python $$file; done

BULK = PYTHONPATH=. $(BIN)/python -m benchmarks.bulk
bench-bulk: .venv/.dev .venv/.spark .venv/.peers  ## populations of 16,000 beside DuckDB, Polars and Spark, and of 160,000 (needs 13 GB, half an hour)
	@.ci/prerequisites java
	@$(BULK) --patients 16000 --iron 0.01 0.03 0.05 --peers
	@$(BULK) --patients 160000 --rounds 1

synthea: .venv/.dev  ## a Synthea population with iron, in FOLDER=... (PATIENTS=100), to try bulk on; needs Java and Maven
	@.ci/prerequisites java maven
	@PYTHONPATH=. $(BIN)/python -m benchmarks.synthea $(or $(FOLDER),dist/synthea) --patients $(or $(PATIENTS),100)

soak: .venv/.dev  ## a bad morning of a dialysis chain, compressed: everything goes wrong, nothing is lost (five minutes)
	@$(BIN)/python benchmarks/soak.py

wheel: .venv/.core  ## build dist/ferroclaim-*.whl
	@$(BIN)/python -m hatchling build -t wheel

# Pins move only when pyproject.toml asks for it, or with `make lock UPGRADE=--upgrade`.
COMPILE = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(UPGRADE)
lock: .venv/.dev  ## write requirements/*.txt anew from pyproject.toml
	@$(COMPILE) pyproject.toml -o requirements/core.txt
	@$(COMPILE) --group build -c requirements/core.txt -o requirements/build.txt
	@$(COMPILE) pyproject.toml --extra dev -c requirements/core.txt -c requirements/build.txt -o requirements/dev.txt
	@$(COMPILE) pyproject.toml --extra spark -c requirements/dev.txt -o requirements/spark.txt
	@$(COMPILE) pyproject.toml --extra bulk -c requirements/dev.txt -c requirements/spark.txt -o requirements/bulk.txt
	@$(COMPILE) --group peers -c requirements/dev.txt -o requirements/peers.txt
	@$(COMPILE) --group sekmet -o requirements/sekmet.txt

clean:  ## remove what the other targets made
	rm -rf .venv .venv-sekmet mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis dist docker/hapi/target
	find mappings integration tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "ferroclaim needs Python 3.11 or newer; none was found. Install it, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

.venv/.core: requirements/core.txt requirements/build.txt pyproject.toml | .venv/bin/python
	@echo "Installing ferroclaim into .venv ..." >&2
	@$(INSTALL) --require-hashes -r requirements/core.txt -r requirements/build.txt
	@$(INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q mappings integration
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.core
	@echo "Installing the tools for tests into .venv ..." >&2
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.spark: requirements/spark.txt .venv/.core
	@echo "Installing Spark into .venv ..." >&2
	@$(INSTALL) --require-hashes -r requirements/spark.txt
	@touch $@

.venv/.peers: requirements/peers.txt .venv/.core
	@$(INSTALL) --require-hashes -r requirements/peers.txt
	@touch $@

# Apart, because its pins contradict ours.
.venv-sekmet/.done: requirements/sekmet.txt
	@echo "Installing the sekmet FHIR server into .venv-sekmet ..." >&2
	@$(PYTHON) -m venv .venv-sekmet
	@.venv-sekmet/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/sekmet.txt
	@touch $@

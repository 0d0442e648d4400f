# Everything that CI runs, in an environment with tests/requirements.txt: `make check`. PYTHON names its interpreter.
PYTHON ?= .venv/bin/python

.PHONY: check lint frontend test
check: lint frontend test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

# Types, linter and formatter of the page's JavaScript; the page itself needs none of them.
frontend:
	npm ci --silent --no-audit --no-fund
	npm run --silent check

test:
	$(PYTHON) -m pytest --numprocesses 2 --dist loadfile

# Every command a person types. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
ASSIGNMENT ?= sgd
CHAPTER ?=
CONDITIONS ?=
AGAIN ?=
SCHEDULER ?=
NOTEBOOKS ?= book solutions
DEVICE := cuda
STEPS ?=
WHEELS ?= _build/gpu-wheels
GPU_PYTHON ?=
GPU_LACKS ?=
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)
BIN := .venv/bin
READY := .venv/.ready
ASSIGNMENTS := $(notdir $(patsubst %/exercise.py,%,$(wildcard solutions/*/exercise.py)))
CASES := $(ASSIGNMENTS:%=solutions/%/cases.json)

# nbgrader starts alembic and jupyter by name.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help book pdf epub slides outputs robust links serve site-test check fast test nbval gpu gpu-wheels bench release student \
    collect grade load lint types lock clean
help:  ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

# The environment: made anew when it is missing or older than the lock. uv takes half of pip's
# time; what it does not find, for it does not know pip's settings, pip installs.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(not ok and "This course needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d: run make PYTHON=/path/to/a/newer/python." % sys.version_info[:2])'
	rm -rf .venv
	if command -v uv >/dev/null; then \
	    uv venv --quiet --seed --python "$$(command -v $(PYTHON))" .venv; \
	else \
	    $(PYTHON) -m venv .venv; \
	    $(PIP) uv || true; \
	fi
	uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock || $(PIP) -r requirements.lock
	$(PIP) --no-deps --editable .
	touch $(READY)

book: $(READY)  ## render the book into _build/html, running what has changed
	$(BIN)/python book/build.py
	@echo "Open _build/html/index.html, or run: make serve"

pdf: book  ## the whole book as one PDF, in _build (needs Chromium)
	PYTHONPATH=book $(BIN)/python -m editions pdf

epub: book  ## the whole book as an EPUB, in _build
	PYTHONPATH=book $(BIN)/python -m editions epub

slides: book  ## each chapter as slides, in _build/html/slides
	@echo "Open _build/html/slides/sgd.html, or another chapter; S shows the speaker's notes."

outputs: $(READY)  ## execute the chapters and keep the outputs that the tests compare
	$(BIN)/python book/execute.py --outputs

robust: $(READY)  ## measure every claim again under other conditions (CHAPTER=… CONDITIONS=…)
	$(BIN)/python -m course_lib.evidence robust --chapters "$(CHAPTER)" \
	    --conditions "$(CONDITIONS)" --workers $(WORKERS) $(if $(AGAIN),--again)

links: book  ## try every link of the book to other sites (needs a network)
	$(BIN)/jupyter-book build . --builder linkcheck

serve: book  ## show the book on http://127.0.0.1:8000
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

# One thread for each of the testers: two on two cores would wait for each other. There is one more
# than cores, since a quarter of the tests' time is waiting: for limits, servers and browsers.
TESTERS ?= $(shell expr $(WORKERS) + 1)
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TESTERS) --dist loadscope $(PYTEST_ARGS)
NBVAL := --nbval-lax --nbval-cell-timeout 600

check: lint  ## before every commit: style, types and the fast tests
	$(MAKE) --no-print-directory --jobs 2 types fast TESTERS=$(WORKERS)

fast: $(READY)
	$(PYTEST) -p no:nbval -m "not slow" tests course_lib

site-test: book  ## try every page of the book in a browser
	COURSE_SITE=_build/html $(PYTEST) tests/site/test_pages.py tests/site/test_slides.py

test: $(READY) $(CASES)  ## run every test and every notebook
	$(PYTEST) $(NBVAL) tests course_lib $(NOTEBOOKS)

nbval: $(READY) $(CASES)  ## re-execute every notebook on COURSE_DEVICE with COURSE_DATA
	$(PYTEST) $(NBVAL) $(NOTEBOOKS)

# Takes the torch of PYTHON, and no environment of its own.
gpu:  ## run all on a GPU, without a network (PYTHON=… has torch, WHEELS=… the rest)
	$(PYTHON) tests/gpu.py run --device "$(DEVICE)" --wheels "$(WHEELS)" --steps "$(STEPS)"

gpu-wheels: $(READY)  ## fill WHEELS=… for a machine with a GPU (GPU_PYTHON=3.12 is its Python)
	$(BIN)/python tests/gpu.py wheels --wheels "$(WHEELS)" --python "$(GPU_PYTHON)" \
	    --lacks "$(GPU_LACKS)"

bench: $(READY)  ## measure; each file prints a table and a last line `ratio: X`
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

# All of them by one process: most of its time goes into imports.
$(CASES) &: solutions/*/exercise.py course_lib/checks/*.py grading/*.py | $(READY)
	$(BIN)/python -m grading record

release: $(READY) $(CASES)  ## make exercises/ from solutions/
	$(BIN)/python -m grading release

student: $(READY)  ## write the zip that students get
	$(BIN)/python -m grading student _build/optimization-course.zip

collect: $(READY)  ## bring the hand-ins in ZIP=… to submitted/ (ROSTER=… ASSIGNMENT=…)
	$(BIN)/python -m grading collect "$(ASSIGNMENT)" "$(ZIP)" \
	    $(if $(ROSTER),--roster "$(ROSTER)")

grade: $(READY) $(CASES)  ## grade submitted/*/ASSIGNMENT, to feedback/ and grades.csv (SCHEDULER=… PLOTS=1)
	$(BIN)/python -m grading run "$(ASSIGNMENT)" \
	    $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") $(if $(PLOTS),--plots)

load: $(READY) $(CASES)  ## grade 1,000 hand-ins while the grader is killed, and on a cluster
	COURSE_LOAD=1000 $(BIN)/python -m pytest tests/grading/test_load.py $(PYTEST_ARGS)

lint: $(READY)  ## check style; `make lint FIX=1` mends it
	$(BIN)/ruff check $(if $(FIX),--fix) .
	$(BIN)/ruff format $(if $(FIX),,--check) .

types: $(READY)  ## check the annotations of course_lib and grading
	$(BIN)/mypy course_lib grading

lock:  ## choose new versions of all packages (needs uv)
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
	    --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean:  ## remove everything that can be made again
	rm -rf _build .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis solutions/*/cases.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

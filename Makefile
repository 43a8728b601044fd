# make example  rebuild the FER2013 example from its records
# make paper    install, train the quick study, build its PDF         make test      the fast tests
# make extras   pandoc, latexdiff, acmart's fonts, Chromium                    make pictures  the pages in README.md
# make test-all every test                                            make lint types
PYTHON ?= python3
VENV ?= .venv
YES ?=
EXTRAS ?=
BIN := $(VENV)/bin
export MPLBACKEND := Agg

.PHONY: paper example pictures install tex extras test test-all lint types clean

paper: install tex
	$(BIN)/paperkit run-all experiments/quick.toml
	$(BIN)/paperkit build-pdf

example: install tex
	$(BIN)/paperkit unpack paper/examples/fer2013_small/records.zip --runs paper/build/example/runs
	$(BIN)/paperkit build-pdf fer2013_small --runs paper/build/example/runs --out paper/build/example/pdf

# The two pages that README.md shows.
pictures: example
	$(BIN)/paperkit build-pdf fer2013_small --runs paper/build/example/runs --venue acmart --out paper/build/example/acmart
	pdftoppm -r 75 -png -f 6 -l 6 -singlefile paper/build/example/pdf/paper.pdf paper/examples/fer2013_small/page
	pdftoppm -r 75 -png -f 6 -l 6 -singlefile paper/build/example/acmart/paper.pdf paper/examples/fer2013_small/acmart

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# The peers of benchmarks/versus.
$(VENV)/peers: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	touch $@

tex:
	@YES=$(YES) EXTRAS=$(EXTRAS) tools/tex.sh

extras:
	@YES=$(YES) EXTRAS=1 tools/tex.sh

# A worker a core, each with one thread: two threads each on two cores would stall one another.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile

test-all: $(VENV)/peers extras
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

clean:
	rm -rf paper/build .pytest_cache .mypy_cache .ruff_cache dist

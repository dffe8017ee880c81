# make lab    environment, data, JupyterLab open at the course map
# make test   environment, unit tests, every notebook
#
# TORCH=cpu   use PyTorch's own CPU build (about 3 GB on disk instead of 7); works with either command.
# PORT=8888   the port of `make lab`.
# JOBS=2      how many notebooks and test files run side by side in `make test`.

VENV  := .venv
BIN   := $(VENV)/bin
JOBS  ?= 2
PORT  ?= 8888
TORCH ?= auto
UV_VERSION := 0.13.9

# The oldest to newest interpreter that the course supports; `make PYTHON=/path/to/python3.12 lab` chooses one.
PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo "$$p" && break; done)

# Without stored bytecode each of some hundred processes compiles torch anew, in ten CPU seconds.
unexport PYTHONDONTWRITEBYTECODE

STAMP := $(VENV)/.installed-torch-$(TORCH)

.PHONY: help lab test env data unit notebooks lint lock clean browser learnability benchmarks mutants hostile stamp site colab thorough \
	flaky margins versions sessions real-data messages

help:
	@sed -n '1,2s/^# //p' Makefile
	@echo
	@echo "also: make env | data | unit | notebooks | lint | browser | thorough | colab | site | learnability | benchmarks | mutants | hostile | stamp | lock | clean"
	@echo "      flaky | margins | versions | sessions | real-data | messages"

lab: env
	@$(BIN)/course lab --port $(PORT)

test: env
	@$(BIN)/course test --jobs $(JOBS)

unit: env
	@$(BIN)/course test --jobs $(JOBS) --only unit

notebooks: env
	@$(BIN)/course test --jobs $(JOBS) --only notebooks

# Opens JupyterLab in Chromium and runs lessons in it; reads every page of the site. Needs a chromium on the machine.
browser: env
	@$(BIN)/python -m pytest -q tests/browser/jupyterlab.py tests/browser/course_site.py

# Runs lone lessons as Colab and Kaggle do, in a fresh environment: make colab LESSONS="04 15" chooses which.
colab: env
	@$(if $(LESSONS),LESSONS="$(LESSONS)") $(BIN)/python -m pytest -q tests/colab/lone_notebooks.py

# The course as a web site, in build/site.
site: env
	@$(BIN)/course site

lint: env
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell

# How well the embedded data can be learned, over three seeds: some minutes of training.
learnability: env
	@for set in faces vehicles cats; do $(BIN)/python tests/benchmarks/learnability_$$set.py || exit 1; done

# What `make test` leaves out: claims with other seeds, ten kills, mutants of the exercises.
thorough: env
	@$(BIN)/python -m pytest -q -m thorough --numprocesses $(JOBS) --dist loadfile

# Which wrong answers the exercises' checks let through: right ones with one thing changed, and what became of each.
mutants: env
	@$(BIN)/python -W ignore tests/exercises/mutation_report.py

# What `course grade` does with hundreds of odd, broken and dishonest submissions, and with many at once: ten minutes.
hostile: env
	@$(BIN)/python -m pytest -q tests/grading/hostile_suite.py tests/grading/long_suite.py tests/grading/jail_suite.py

# fft_conv and the training loop beside other packages, for a machine that does nothing else: half an hour.
benchmarks: env
	@$(BIN)/python tests/benchmarks/bench_convolution.py; c=$$?; $(BIN)/python tests/benchmarks/bench_training.py && exit $$c

# The whole validation ten times: other threads, test orders, clocks, locales, time zones, folders and processors; hours.
# make flaky ARGS="--times 3 --only unit" for less.
flaky: env
	@$(BIN)/python tests/reliability/repeat.py --jobs $(JOBS) $(ARGS)

# Which of the lessons' claims come close to failing on older processors: half an hour.
margins: env
	@$(BIN)/python tests/reliability/margins.py --jobs $(JOBS) $(ARGS)

# The suite with the oldest, locked and newest versions, and on each Python found; writes the table in README.md.
versions: env
	@$(BIN)/python tests/reliability/versions.py --jobs $(JOBS) $(ARGS)

# Long sessions: every cell again, the heaviest ten times, the stop button, restarts, two lessons at once: over an hour.
sessions: env
	@$(if $(LESSONS),LESSONS="$(LESSONS)") $(BIN)/python -m pytest -q -s tests/sessions/interrupting.py \
		tests/sessions/side_by_side.py tests/sessions/long_lessons.py

# Real data: Fashion-MNIST's own files, a disk that fills up, and the lessons on sets as large as the published ones.
# FASHION_MNIST=folder, LESSONS="04 15", REAL_DATA=folder to keep; needs root, 5 GB and Debian's dataset-fashion-mnist.
real-data: env
	@$(BIN)/python -m pytest -q tests/real_data/fashion_mnist.py tests/real_data/disk_full.py \
		tests/real_data/lessons_on_real_data.py

# What bad input is answered with: a table of all cases and their messages.
messages: env
	@$(BIN)/python tests/bad_input_cases.py

data: env
	@$(BIN)/course data make

# Put the repository's address (course_utils/notebooks/address.py) into the lessons' set-up cells and badges.
stamp: env
	@$(BIN)/python -m course_utils.notebooks.address

env: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one from https://www.python.org/downloads/, or name it: make PYTHON=/path/to/python3.12 lab"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot create virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/uv --version 2>/dev/null | grep -qF "uv $(UV_VERSION)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "Installing the locked versions into $(VENV) (torch and its libraries come with the first run)"
	@VIRTUAL_ENV=$(VENV) $(if $(filter cpu,$(TORCH)),UV_TORCH_BACKEND=cpu) $(BIN)/uv pip install -r requirements.lock -e .
	@rm -f $(VENV)/.installed-torch-* && touch $@

# Exact versions for every supported Python and platform. Torch's CUDA libraries are left out: torch itself pins them,
# and the CPU build does without.
lock:
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade --quiet \
		--no-header --no-annotate --no-emit-index-url -o .lock.tmp
	@{ sed -n '/^# Exact versions/,/^# and the CPU/p' Makefile; echo "# Written by make lock."; \
		grep -vE '^(nvidia-|cuda-|triton)' .lock.tmp; } > requirements.lock && rm .lock.tmp

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache

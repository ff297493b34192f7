# ConvNets, cell by cell. `make` lists what there is. Everything but the help sees to the
# environment first, which takes a moment when there is nothing to do. Without make:
# see tools/setup.py.

# Only has to start tools/setup.py, which finds a Python that fits.
PYTHON3 := $(if $(shell command -v python3 2>/dev/null),python3,python)
# .venv, or the active conda environment made from environment.yml. To use another one as
# it is, give it: make test PYTHON=/path/to/python
PYTHON := $(shell $(PYTHON3) tools/setup.py --print-python 2>/dev/null)
# Jupyter refuses to run as root without it, and in a container there is nobody else.
AS_ROOT = $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)
# Two, because every notebook's kernel is a process (and a torch) of its own.
WORKERS ?= 2
BROWSERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup lab data notebooks check test walk present slides site bench grade attack handout share clean distclean

help:  ## list these targets
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-11s%s\n", $$1, $$2}' Makefile

setup:  ## make the environment (once, 2-3 minutes, 6-7 GB on Linux)
ifeq ($(origin PYTHON),file)
	@command -v $(PYTHON3) >/dev/null || \
	  { echo "Python 3.11 or newer is needed, and none was found: see python.org"; exit 1; }
	@$(PYTHON3) tools/setup.py
endif

lab: setup  ## open the course in JupyterLab (PORT=8888: on that port or not at all)
	@$(PYTHON) -m jupyterlab --ServerApp.root_dir="$(CURDIR)" $(AS_ROOT) \
	  --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
	  $(if $(PORT),--port=$(PORT) --ServerApp.port_retries=0)

data: setup  ## download MNIST and CIFAR-10 into data/ (once, 180 MB; every lesson runs without)
	@$(PYTHON) -m tools.data

# For instructors and maintainers: the handout's Makefile ends above this line.

notebooks: setup  ## build the notebooks from lessons/
	@$(PYTHON) -m tools.build

check: setup  ## check style and what the latest change touched, in under a minute
	@$(PYTHON) -m tools.check

test: setup  ## check style, run all tests and every notebook, as .ci/run does
	@echo "== Chromium for the browser tests"
	@$(PYTHON) tools/browser.py
	@echo "== Style: ruff check, ruff format"
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@echo "== Tests, and the notebooks and solutions cell by cell ($(WORKERS) workers)"
	@$(PYTHON) -m pytest notebooks tests lessons --ignore tests/browser \
	  --nbval --nbval-current-env -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  --durations=10
	@echo "== Tests in a browser"
	@$(PYTHON) -m pytest tests/browser -n $(BROWSERS) --durations=5

walk: setup  ## look at every slide of all lessons in Chromium (LESSON=03: of one)
	@$(PYTHON) tools/browser.py
	@$(PYTHON) -m tools.walk $(LESSON)

present: setup  ## show a lesson as live slides (LESSON=03 MINUTES=45 SOLVED=1 PORT=8888)
	@$(PYTHON) -m tools.slides $(LESSON) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(if $(SOLVED),--solved) $(if $(PORT),--port $(PORT))

slides: setup  ## write slides that need no kernel, and PDF, to build/slides (LESSON=03)
	@$(PYTHON) tools/browser.py
	@$(PYTHON) -m tools.static_slides $(LESSON)

site: setup  ## write the course as a website to build/site
	@$(PYTHON) -m tools.site

bench: setup  ## time the lessons on this computer
	@$(PYTHON) -m tools.bench

grade: setup  ## check the exercises in a folder of notebooks (FOLDER=...)
	@CALLED_FROM="$(PWD)" $(PYTHON) -m tools.grade $(if $(FOLDER),"$(FOLDER)") $(if $(CSV),--csv "$(CSV)") \
	  $(if $(HTML),--html "$(HTML)")

attack: setup  ## hand in everything that cheats or does harm (tests/test_grade_attacks.py)
	@CONVNETS_ATTACK=all $(PYTHON) -m pytest -q tests/test_grade_attacks.py

handout: setup  ## pack the students' notebooks into build/handout.zip
	@$(PYTHON) -m tools.handout

share: setup  ## tell what share of the cells the tests compare
	@$(PYTHON) -m tools.build --share

clean:  ## remove caches and build/, keep the environment and data
	@find . \( -path ./.venv -o -path ./data -o -path ./.git \) -prune -o -type d \
	  \( -name __pycache__ -o -name .ipynb_checkpoints \) -exec rm -rf {} +
	@rm -rf build .pytest_cache .ruff_cache

distclean: clean  ## remove the environment too
	@rm -rf .venv *.egg-info

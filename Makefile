# ConvNets, cell by cell. `make` lists what there is. Everything but the help sees to the
# environment first, which takes a moment when there is nothing to do. Without make:
# see tools/setup.py.

# One that is wrong here would keep Python from starting.
unexport PYTHONHOME
# Images of containers set it; every kernel would compile PyTorch anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE
# Only has to start tools/setup.py, which finds a Python that fits.
PYTHON3 := $(if $(shell command -v python3 2>/dev/null),python3,python)
# .venv, or the active conda environment made from environment.yml. To use another one as
# it is, give it: make lab PYTHON=/path/to/python
PYTHON := $(shell PYTHONHOME= $(PYTHON3) tools/setup.py --print-python 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup lab data update

help:  ## list these targets
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-11s%s\n", $$1, $$2}' Makefile

setup:  ## make the environment (once, 2-3 minutes; TORCH=cpu: the small PyTorch)
ifeq ($(origin PYTHON),file)
	@command -v $(PYTHON3) >/dev/null || \
	  { echo "Python 3.11 or newer is needed, and none was found: see python.org"; exit 1; }
	@$(PYTHON3) tools/setup.py
endif

lab: setup  ## open the course in JupyterLab, for this computer only (PORT=8888 HOST=0.0.0.0)
	@$(PYTHON) -m tools.lab $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

data: setup  ## download MNIST and CIFAR-10 into data/ (once, 180 MB; every lesson runs without)
	@$(PYTHON) -m tools.data

update: setup  ## fetch the new release, keep your answers (OLD=... of an old handout)
	@$(PYTHON) -m tools.update $(if $(OLD),"$(OLD)")

# For instructors and maintainers: the handout's Makefile ends above this line.
.PHONY: full notebooks check test attack walk present slides site hosted bench grade \
  handout quiz nbgrader otter interop share clean distclean
# One more than CI's cores, because servers, browsers and limits are waited for.
WORKERS ?= 3

full:  ## add what builds, tests and presents (the targets below see to it)
ifeq ($(origin PYTHON),file)
	@$(PYTHON3) tools/setup.py --full
endif

notebooks: full  ## build the notebooks from lessons/
	@$(PYTHON) -m tools.build

check: full  ## check style and what the latest change touched, in under a minute
	@$(PYTHON) -m tools.check

test: full  ## check style, run all tests and every notebook, as .ci/run does
	@echo "== Chromium for the browser tests"
	@$(PYTHON) tools/browser.py
	@echo "== Style: ruff check, ruff format"
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@echo "== Tests, and the notebooks and solutions cell by cell ($(WORKERS) workers)"
	@$(PYTHON) -m pytest tests/browser notebooks tests lessons --nbval \
	  --nbval-current-env -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  --durations=10

attack: full  ## try all that cheats or does harm, in cells and handed in (WAY=bubblewrap)
	@$(PYTHON) -m pytest tests/attack_cells.py -q -n $(WORKERS)
	@CONVNETS_ATTACK=$(or $(WAY),all) $(PYTHON) -m pytest -q tests/test_grade_attacks.py

walk: full  ## look at every slide of all lessons in Chromium (LESSON=03: of one)
	@$(PYTHON) tools/browser.py
	@$(PYTHON) -m tools.walk $(LESSON)

present: full  ## show a lesson as live slides (LESSON=03 MINUTES=45 SOLVED=1 PORT=8888)
	@$(PYTHON) -m tools.slides $(LESSON) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(if $(SOLVED),--solved) $(if $(PORT),--port $(PORT))

slides: full  ## write slides that need no kernel, and PDF, to build/slides (LESSON=03)
	@$(PYTHON) tools/browser.py
	@$(PYTHON) -m tools.static_slides $(LESSON)

site: full  ## write the course as a website to build/site
	@$(PYTHON) -m tools.site

hosted: full  ## run every notebook as on a hosted service (at first, a download of 5 GB)
	@$(PYTHON) -m tools.hosted $(LESSON)

bench: full  ## time the lessons on this computer
	@$(PYTHON) -m tools.bench

grade: full  ## check the exercises in a folder of notebooks (FOLDER=... CSV= HTML=)
	@CALLED_FROM="$(PWD)" $(PYTHON) -m tools.grade $(if $(FOLDER),"$(FOLDER)") \
	  $(if $(CSV),--csv "$(CSV)") $(if $(HTML),--html "$(HTML)")

handout: full  ## pack the students' notebooks into build/handout.zip
	@$(PYTHON) -m tools.handout

quiz: full  ## write questions for Moodle, QTI and paper (LESSONS=03-06 COUNT=20 SEED=7)
	@$(PYTHON) -m tools.quiz $(if $(LESSONS),"$(LESSONS)") \
	  $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

nbgrader: full  ## write assignments for nbgrader to build/nbgrader (LESSONS=03-06 FOLDER=)
	@CALLED_FROM="$(PWD)" $(PYTHON) -m tools.interop nbgrader \
	  $(if $(LESSONS),"$(LESSONS)") $(if $(FOLDER),--folder "$(FOLDER)")

otter: full  ## write assignments for otter-grader to build/otter (LESSONS=03-06 FOLDER=)
	@CALLED_FROM="$(PWD)" $(PYTHON) -m tools.interop otter \
	  $(if $(LESSONS),"$(LESSONS)") $(if $(FOLDER),--folder "$(FOLDER)")

interop: full  ## see that both give the points of make grade (LESSON=03)
	@$(PYTHON) -m tests.interop $(LESSON)

share: full  ## tell what share of the cells the tests compare
	@$(PYTHON) -m tools.build --share

clean:  ## remove caches and build/, keep the environment and data
	@find . \( -path ./.venv -o -path ./data -o -path ./.git \) -prune -o -type d \
	  \( -name __pycache__ -o -name .ipynb_checkpoints \) -exec rm -rf {} +
	@rm -rf build .pytest_cache .ruff_cache

distclean: clean  ## remove the environment too
	@rm -rf .venv *.egg-info

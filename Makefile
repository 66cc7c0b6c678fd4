# make lab        open the course: JupyterLab in work/, with your own copies of the lessons
# make test       style, types and every test, the notebooks included
# make notebooks  build solutions/*.ipynb and notebooks/*.ipynb from solutions/*.py
# make oldest     the tests of the methods and exercises, with the oldest versions that are promised
# make site       the lessons, the reference and the documents as pages, in build/site/html
# make bench      how fast the methods are, beside the network's own passes and other libraries
#
# Each makes .venv first when it is missing. PYTHON=... names the Python to make it from; TORCH=cpu
# asks for PyTorch's build without CUDA, which takes 4 GB less on Linux.

PYTHON ?= python3
BIN = .venv/bin
UV = $(shell sed -n 's/^\(uv==[^ ]*\).*/\1/p' constraints.txt)
PINNED = pyproject.toml constraints.txt
CONSTRAINTS = constraints.txt

# uv knows where these builds are; their files have other hashes than those of the ordinary ones.
ifdef TORCH
CONSTRAINTS = .venv/constraints.txt
BACKEND = --torch-backend $(TORCH)
endif

.PHONY: lab test notebooks oldest site bench

lab: .venv/learner.stamp
	@$(BIN)/course start work

test: .venv/developer.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --durations=15 --nbval \
		--nbval-current-env --nbval-cell-timeout=120 \
		--nbval-sanitize-with=tests/nbval_sanitize.cfg tests solutions

notebooks: .venv/teacher.stamp
	@$(BIN)/course build

oldest: .venv-oldest/oldest.stamp
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest -n 2 --dist loadscope \
		tests/attribution tests/exercises tests/world/test_images.py

site: .venv/site.stamp
	@OMP_NUM_THREADS=1 $(BIN)/python -m website

bench: .venv/peers.stamp
	@$(BIN)/python -m speed

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "The course needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making .venv from $$($(PYTHON) -c 'import sys; print(sys.executable)') ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
		echo "Python cannot make an environment; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)

.venv-oldest/oldest.stamp: pyproject.toml | .venv/bin/uv
	@echo "Installing the oldest versions that pyproject.toml promises into .venv-oldest ..."
	@test -x .venv-oldest/bin/python || $(BIN)/python -m venv --without-pip .venv-oldest
	@VIRTUAL_ENV='$(CURDIR)/.venv-oldest' $(BIN)/uv pip install --resolution lowest-direct \
		--editable '.[dev]'
	@touch $@

.venv/constraints.txt: constraints.txt | .venv/bin/uv
	@awk '/^[a-z]/ {other = /^torch(vision)?==/} other && /--hash=/ {next} \
		other {sub(/ \\$$/, "")} {print}' $< > $@

.venv/learner.stamp: EXTRAS =
.venv/teacher.stamp: EXTRAS = [teach]
.venv/developer.stamp: EXTRAS = [dev]
.venv/site.stamp: EXTRAS = [site]
.venv/peers.stamp: EXTRAS = [peers]

.venv/%.stamp: $(PINNED) $(CONSTRAINTS) | .venv/bin/uv
	@echo "Installing the course$(EXTRAS) into .venv ..."
	@VIRTUAL_ENV='$(CURDIR)/.venv' $(BIN)/uv pip install --constraints $(CONSTRAINTS) $(BACKEND) \
		--build-constraints constraints.txt --editable '.$(EXTRAS)'
	@touch $@

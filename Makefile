# Each task gets a virtual environment of its own, made when first needed and again whenever
# the packaging changes; all it takes is Python 3.11 or newer and make.
PYTHON ?= python3
JOBS ?= 2
PYTEST = -n $(JOBS) --timeout=600
TESTS ?=
BENCH ?= $(filter-out benchmarks/_% benchmarks/plot_%,$(wildcard benchmarks/*.py))
SPHINXOPTS ?= -W --keep-going
GALLERY ?=

# Parallelism comes from processes; without this each of them starts a thread per core.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export MKL_NUM_THREADS = 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-min doctest lint format docs bench stats soak wheel clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/stamp  ## Tune a pipeline on bundled data; under two minutes
	.venv/bin/python examples/demo.py

test: .venv-test/stamp  ## Run the whole suite and every doctest (TESTS=path for a part)
	.venv-test/bin/python -m pytest $(PYTEST) $(TESTS)

test-min: .venv-min/stamp  ## The same with the oldest supported releases
	.venv-min/bin/python -m pytest $(PYTEST) $(TESTS)

doctest: .venv-test/stamp  ## Run the examples of docstrings, README and user guide only
	.venv-test/bin/python -m pytest $(PYTEST) skhpo README.rst doc

lint: .venv-lint/stamp  ## Check style, format and spelling
	.venv-lint/bin/ruff check
	.venv-lint/bin/ruff format --check
	git ls-files -z | xargs -0 .venv-lint/bin/codespell

format: .venv-lint/stamp  ## Mend what the linter can mend
	.venv-lint/bin/ruff check --fix
	.venv-lint/bin/ruff format

docs: .venv-doc/stamp  ## Build the pages into doc/_build/html (GALLERY=pattern for some examples)
	.venv-doc/bin/python -m sphinx -b html $(SPHINXOPTS) \
	    -D 'sphinx_gallery_conf.filename_pattern=/plot_.*($(GALLERY))' doc doc/_build/html

bench: .venv-bench/stamp  ## Run the benchmarks (BENCH=script for one, BENCHFLAGS=--quick)
	for script in $(BENCH); do .venv-bench/bin/python $$script $(BENCHFLAGS) || exit 1; done

stats: .venv-bench/stamp  ## Do the honest numbers hold over seeds? About an hour (BENCHFLAGS="--out dir")
	.venv-bench/bin/python benchmarks/honest_numbers.py $(BENCHFLAGS)
	.venv-bench/bin/python benchmarks/honest_nested.py $(BENCHFLAGS)
	.venv-bench/bin/python benchmarks/_stats.py $(BENCHFLAGS)

soak: .venv-test/stamp  ## Kill and resume a hundred searches; about an hour
	.venv-test/bin/python tests/test_resume.py --runs 100

wheel: .venv-build/stamp  ## Build sdist and wheel into dist, check them, install and try the wheel
	rm -rf build dist
	.venv-build/bin/python .ci/check_dist.py dist

clean:  ## Remove everything that these tasks made
	rm -rf .venv .venv-* build dist *.egg-info .ruff_cache .hypothesis
	rm -rf doc/_build doc/auto_examples doc/generated doc/sg_execution_times.rst
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What goes into each environment.
VENVS = .venv .venv-test .venv-min .venv-lint .venv-doc .venv-bench .venv-build
.venv/stamp: install = -e .
.venv-test/stamp: install = -e '.[test]'
.venv-min/stamp: install = -e '.[test]' -c tests/minimum.txt
.venv-lint/stamp: install = -e '.[lint]'
.venv-doc/stamp: install = -e '.[doc]'
.venv-bench/stamp: install = -e '.[bench]'
.venv-build/stamp: install = build

.venv-min/stamp: tests/minimum.txt
$(VENVS:=/stamp): pyproject.toml setup.cfg
	@echo "Installing into $(@D) (once)"
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(install)
	touch $@

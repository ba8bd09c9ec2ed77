# Two commands to remember: make demo, make test.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Where the CPU build of torch comes from; pytorch.org's install page names the index for your platform:
#   make install TORCH_INDEX=<that index>
TORCH_INDEX ?=
TORCH := $(shell grep '^torch==' constraints.txt)

# Servers and workers of this machine live in hm-data/up; HM_UP moves them.
.PHONY: help install demo up down status test drill lint format clean
.DEFAULT_GOAL := help

help:            ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(BIN)/.installed  ## an environment in .venv: torch first, then the rest under constraints.txt

$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v[:2] <= (3, 13) else \
	  "$(PYTHON) is Python %d.%d; wanted are 3.11 to 3.13: make install PYTHON=python3.12" % v[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo,machine,dev]'
	touch $@

demo: install    ## two nights on real data: about five minutes, nothing to start by hand
	@$(BIN)/hm demo

up: install      ## Prefect, MLflow, S3 and three workers on this machine, kept alive (deploy/README.md)
	@$(BIN)/hm up

down:            ## end all of that; data stays
	@$(BIN)/hm down

status:          ## what of it runs, and where
	@$(BIN)/hm status

lint: install    ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint       ## the checks and all tests
	$(BIN)/pytest

drill: install   ## break a machine of its own in every way on a list, about an hour (deploy/drill.md)
	PYTHONPATH=tests:. $(BIN)/python -m drill $(DRILL)

format: install  ## make the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:           ## remove what the demo made; other markets, imports, MLflow's runs and make up's data stay
	rm -rf hm-data/demo hm-data/raw/*/market=demo hm-data/raw/.imports/demo* hm-data/work/*/demo

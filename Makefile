# Two commands to remember: make demo, make test.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Where the CPU build of torch comes from; pytorch.org's install page names the index for your platform:
#   make install TORCH_INDEX=<that index>
TORCH_INDEX ?=
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: help install demo test lint format clean
.DEFAULT_GOAL := help

help:            ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(BIN)/.installed  ## an environment in .venv: torch first, then the rest under constraints.txt

$(BIN)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo,dev]'
	touch $@

demo: install    ## two nights on real data: about five minutes, nothing to start by hand
	@$(BIN)/hm demo

lint: install    ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint       ## the checks and all tests
	$(BIN)/pytest

format: install  ## make the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:           ## remove what the demo made; the environment stays
	rm -rf hm-data

# `make help` lists what there is. On a new machine `make demo` and `make test` set everything up themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BASE_PYTHON = $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
PY := $(VENV)/bin/python
# Named after the content of the pins: what counts is whether they changed, not when git wrote the file.
READY := $(VENV)/.ready-$(shell cksum < requirements/dev.txt | cut -d' ' -f1)
export PYTHONPATH := operator:.
# What Python and pytest compile is kept, whatever the machine says: to rewrite the asserts of all tests takes half as long
# as to collect them.
export PYTHONDONTWRITEBYTECODE :=
STEP := @$(PY) -m tools.step
STORY := tests/integration/test_story.py -k "held_until or free or declined or withdrawn"
PYTEST := $(PY) -m pytest
# Two workers, a file to each: on two cores this halves the time, most of which is waiting.
SPREAD := -n 2 --dist loadfile
# What takes seconds of computing each, and is not needed for coverage: tracing it would double its time.
THOROUGH := hypothesis or thorough
UV := $(firstword $(wildcard $(VENV)/bin/uv) uv)
# One set of pins for every Python from 3.11 on, and no address in it: where packages come from is the machine's matter.
COMPILE := $(UV) pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.PHONY: help docs setup controlplane chromium demo up down node test-node test verify unit thorough component integration older looks pictures hunt shake chaos attacks bench test-kind image test-image generate requirements clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 14

setup: $(READY) ## make the virtual environment (others do it themselves)

$(READY):
	@test -n "$(BASE_PYTHON)" || { echo "Python 3.11 or later is needed: install it (for example: apt-get install python3 python3-venv) and try again."; exit 1; }
	@echo "...     python packages into $(VENV)"
	@$(BASE_PYTHON) -m venv $(VENV) || { echo "The venv could not be made: on Debian, apt-get install python3-venv."; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt || { echo "The packages could not be installed: is the package index reachable (pip config list)?"; exit 1; }
	@touch $@ && echo "ok      python packages"

controlplane: setup ## find or build the programs of the control plane, once per machine
	@$(PY) -m tools.controlplane build

chromium: setup ## find the browser that draws messages, or install it
	@$(PY) -m tools.chromium

demo: controlplane ## the main job, on a real control plane, told as it happens
	@$(PY) -m tools.demo

up: controlplane ## a playground that stays: control plane and operator
	@$(PY) -m tools.playground up

node: controlplane ## a real node beside a control plane, with Pratique on it by Helm: kubelet, containerd, DNS (root; Linux)
	@$(PY) -m tools.node up

down: setup ## stop the playground and the node; what they stored stays
	@$(PY) -m tools.node down
	@$(PY) -m tools.playground down

test: verify unit thorough component integration looks ## all tests; each part says how long it took

verify: setup ## lint, format, types, import contracts; generated and golden files are what the code writes
	$(STEP) "ruff check" --advice "Try: $(VENV)/bin/ruff check --fix" -- $(VENV)/bin/ruff check --quiet operator tools tests bench
	$(STEP) "ruff format" --advice "Run: $(VENV)/bin/ruff format operator tools tests bench" -- $(VENV)/bin/ruff format --check operator tools tests bench
	$(STEP) "types" -- $(PY) -m mypy
	$(STEP) "import contracts" -- $(VENV)/bin/lint-imports --no-cache
	$(STEP) "examples are what their cases say" -- $(PY) -m pratique.main test $(dir $(wildcard examples/*/action.yaml)) --coverage-min 100
	$(STEP) "the docs are a site, and every link leads somewhere" --advice "Run: $(PY) -m tools.site" -- $(PY) -m tools.site
	$(STEP) "generated and golden files are fresh" --advice "Read git diff, and commit it" -- $(PY) -m tools.fresh

unit: setup ## pure tests: no cluster, process or socket; core/ and api/ at 100 % branch coverage
	$(STEP) "unit tests" --show " passed" -- $(PYTEST) tests/unit -n 2 -m "not ($(THOROUGH))" --cov --cov-branch --cov-report=term --cov-fail-under=100

thorough: setup ## the rest of the pure tests: generated examples, all cases there are, the largest
	$(STEP) "generated examples and all cases" --show " passed" -- $(PYTEST) tests/unit -n 2 -m "$(THOROUGH)"

component: setup ## parts in processes and with sockets of their own, and no cluster
	$(STEP) "component tests" --show " passed" -- $(PYTEST) tests/component -n 2

integration: controlplane ## CRD tables, identities, the chart, the story: on a real API server
	@$(PY) -m tools.controlplane build helm kstatus
	$(STEP) "CRD tables, identities and attacks, on a real API server" --show " passed" -- $(PYTEST) tests/controlplane tests/crds tests/attacks $(SPREAD)
	$(STEP) "the operator and its stories, on a real API server" --show " passed" -- $(PYTEST) tests/integration tests/fuzz tests/e2e $(SPREAD)
	$(STEP) "killed at writes, and wrong answers" --show " passed" -- $(PYTEST) tests/chaos $(SPREAD)
	@$(MAKE) --no-print-directory older

looks: chromium ## messages as people see them, in a real browser
	$(STEP) "messages in a browser" --show " passed" -- $(PYTEST) tests/pictures

older: controlplane ## the same identity tests and a story where a webhook stamps: Kubernetes 1.33 to 1.35, emulated
	$(STEP) "1.33: stamps, identities, attacks" --show " passed" -- env PRATIQUE_TEST_VERSION=1.33 $(PYTEST) tests/crds/test_stamps.py tests/crds/test_identity_runs.py tests/crds/test_identity_approvals.py tests/attacks/test_attacks.py --deselect tests/attacks/test_attacks.py::test_the_page_shows_what_was_answered $(SPREAD)
	@$(MAKE) --no-print-directory -j 2 held-1.34 held-1.35

held-%:
	$(STEP) "$*: a held run" --show " passed" -- env PRATIQUE_TEST_VERSION=$* $(PYTEST) $(STORY)

hunt: controlplane ## property tests and generated attempts with five times as many examples, chosen anew (half an hour)
	$(STEP) "examples chosen anew" --show " passed" -- env PRATIQUE_FUZZ=5 $(PYTEST) tests/unit tests/component tests/fuzz -m hypothesis $(SPREAD)

shake: controlplane ## the stories with people who dawdle, then with an operator that does: what passes by chance (an hour)
	@$(PY) -m tools.controlplane build helm
	$(STEP) "people dawdle" --show " passed" -- env PRATIQUE_SHAKE=people $(PYTEST) tests/integration tests/e2e $(SPREAD)
	$(STEP) "the operator dawdles" --show " passed" -- env PRATIQUE_SHAKE=operator $(PYTEST) tests/integration tests/e2e $(SPREAD)

chaos: controlplane ## every story killed at every request; every fault; minutes without the API server (half an hour)
	@$(PY) -m tests.chaos

attacks: controlplane ## send every attack to a real API server; rewrite docs/concepts/attacks.md from the answers
	@GOLDEN=1 $(PYTEST) tests/attacks

pictures: chromium ## draw the pictures of docs/guides again whose messages have changed
	$(STEP) "pictures of messages" --show " passed" -- env GOLDEN=1 $(PYTEST) tests/pictures/test_pictures.py

bench: controlplane ## rates, latencies, memory against their floors; writes docs/benchmark (20 minutes)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@$(PY) -m bench

test-node: controlplane ## the chart and the image on a real node: the story, takeovers, upgrades, uninstalling (root; Linux; 10 minutes)
	@$(PY) -m tools.controlplane build helm
	$(STEP) "Pods on a real node" --show " passed" -- $(PYTEST) tests/node -s

test-kind: setup ## the same tests on kind, where Docker is, those on a node included
	@PRATIQUE_TEST_CLUSTER=kind $(PYTEST) tests/crds tests/integration tests/e2e tests/node

docs: setup ## the documentation as a site, to be opened as files: .run/site/index.html
	@$(PY) -m tools.site

image: ## build the image of the last commit without Docker: .run/image/pratique.tar (root; mmdebstrap and umoci of Debian)
	@tools/image/build.sh .run/image

test-image: setup ## build the image twice, and by the Dockerfile: the same digest; what is in it works and is small (root; 10 minutes)
	$(STEP) "the image" --show " passed" -- $(PYTEST) tests/image --timeout 1500

generate: setup ## write crds/, the chart's part of the code, the reference and deploy/install.yaml
	@$(PY) -m tools.codegen
	@$(PY) -m tools.codegen.plain

requirements: ## pin what pyproject.toml and toolchain.in ask for, with hashes
	@$(UV) --version >/dev/null 2>&1 || { echo "uv is needed for this: $(PY) -m pip install uv"; exit 1; }
	@$(COMPILE) pyproject.toml -o requirements/runtime.txt
	@$(COMPILE) pyproject.toml --group dev -o requirements/dev.txt
	@$(COMPILE) --group bench -c requirements/dev.txt -o requirements/bench.txt
	@$(COMPILE) requirements/toolchain.in -o requirements/toolchain.txt
	@$(COMPILE) requirements/image.in -o requirements/image.txt

clean: ## remove the playground, the virtual environment and caches
	@if [ -x $(PY) ]; then $(PY) -m tools.node down && $(PY) -m tools.playground clean; fi
	@rm -rf $(VENV) .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

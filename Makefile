# Every target sets up what it needs; the work is done by Python (see macros/tools/).
PYTHON ?= python3
PY := .venv/bin/python
SETUP = $(PYTHON) macros/tools/environment.py
RUN := $(PY) -m macros

.DEFAULT_GOAL := help
.PHONY: help serve site export lab test check fix new look bench lock setup clean prove

help:  ## show this list
	@$(PYTHON) macros/tools/targets.py $(MAKEFILE_LIST)

serve:  ## the site on http://127.0.0.1:8000/, rebuilt as you write (port=8000)
	@$(SETUP) site
	@$(RUN) serve $(if $(port),--port $(port))

site:  ## the production build in site/: checks, proofs, build
	@$(SETUP) proofs
	@$(RUN) site

export:  ## the production build and what readers take away, in site/downloads/: book, EPUB, offline copy, data
	@$(SETUP) export
	@$(RUN) export

lab:  ## what runs the examples inside the pages: once, before `make serve` shows Run buttons
	@$(SETUP) proofs
	@$(RUN) lab

test:  ## everything CI runs; ends with a table of what each part took (only=unit,browser)
	@$(SETUP) dev
	@$(RUN) test $(if $(only),--only $(only))

check:  ## the rules about registry, pages and questions; a few seconds
	@$(SETUP) proofs
	@$(RUN) check

prove:  ## run the proofs of every topic, or of one (id=sse)
	@$(SETUP) proofs
	@$(RUN) prove $(id)

fix:  ## write what is generated: navigation, schemas, answers, outputs (id=sse)
	@$(SETUP) proofs
	@$(RUN) fix $(id)

new:  ## start a topic (id=my-topic; a topic the registry lacks also needs level= and title=)
	@$(SETUP) proofs
	@$(RUN) new "$(id)" $(if $(level),--level "$(level)") $(if $(title),--title "$(title)")

look:  ## a contact sheet of one page: phone, desktop, light, dark, print (id=sse or page=map)
	@$(SETUP) dev
	@$(RUN) look $(or $(id),$(page))

bench:  ## figures: build, page weight, Lighthouse (only=build)
	@$(SETUP) dev
	@$(RUN) bench $(if $(only),--only $(only))

lock:  ## write requirements/*.txt anew from pyproject.toml
	@$(SETUP) dev
	@$(RUN) lock

setup:  ## all that the tests need, the browser too (as root it installs Debian's)
	@$(SETUP) dev
	@$(RUN) setup

clean:  ## remove what was built (not .venv)
	@rm -rf site .cache proofs.json overrides/assets/lab

# Two commands on a fresh machine: make demo, make test. Everything they need is installed on the way, once.

VENV := .venv
PYTHON := $(VENV)/bin/python
LOCK := requirements/lock.txt
CAMERA :=
ARGS :=
ONLY :=
LOCAL = $(shell /usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
FOR = $(LOCAL)
ARCH = $(shell uname -m)
N := 300
TARGET := codec envelopes ingest carried acknowledgement desired roster
SECONDS := 60
FACES :=
MINUTES := 5
NAME :=
SCREEN := 1
DESKTOP := 1
CUTS := 6

.DEFAULT_GOAL := help
.NOTPARALLEL: # packages, then the environment, then the weights
.PHONY: help demo demo-lock vm vm-bluetooth arm64 test long screenshots figures faults fuzz carriers check bench trials rush lock clean weights packages-demo packages-check packages-test packages-vm packages-arm64 packages-appliance packages-screen bundle install uninstall

help: ## show what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: packages-demo $(VENV)/ready weights ## play the main job: walk-ups, decisions, receipts, rows (CAMERA=0 for a real camera, ARGS=--keep)
	@$(PYTHON) -m device.commands.main --log-level warning demo $(if $(CAMERA),--camera $(CAMERA)) $(ARGS)

demo-lock: packages-demo $(VENV)/ready weights ## stamp a contract: approval, face, reference lock, verified log (ARGS=--keep)
	@$(PYTHON) -m device.commands.main --log-level warning demo-lock $(ARGS)

vm-bluetooth: packages-vm $(VENV)/ready ## the lock's scenarios over Debian's kernel and the real bluetoothd, in QEMU (ARGS="-k pairs")
	@tools/vm-bluetooth.sh $(PYTHON) build/vm $(ARGS)

vm: packages-vm $(VENV)/ready weights ## the whole appliance in an emulated machine: live camera, sandboxes, watchdog, power cuts (CUTS=20, ARGS="-k camera")
	@DAKA_VM_CUTS=$(CUTS) tools/vm.sh $(PYTHON) build/machine $(ARGS)

arm64: packages-arm64 $(VENV)/ready weights ## install the aarch64 bundle and name a face as a Pi 4 and as a Pi 5, emulated
	@tools/arm64.sh $(PYTHON) build/arm64

test: packages-test $(VENV)/ready weights ## run every test (ARGS="-k journal" for some)
	@tools/test.sh $(PYTHON) $(ARGS)

long: packages-test $(VENV)/ready weights ## run the tests that take minutes
	@$(PYTHON) -m pytest -m long $(ARGS)

screenshots: packages-test $(VENV)/ready weights ## pictures of every page at every size, in both themes and three languages, in build/screens
	@rm -rf build/screens
	@DAKA_SCREENS=1 $(PYTHON) -m pytest -q -m "long or not long" tests/e2e/test_kiosk_screens.py tests/web_ui/test_browser.py $(ARGS)
	@$(PYTHON) -c 'from pathlib import Path; print(len(list(Path("build/screens").rglob("*.png"))), "pictures in build/screens; look at each")'

figures: packages-test $(VENV)/ready weights ## cold start, memory and idle share of the whole target with its screen, in a real systemd
	@$(PYTHON) -m pytest -m long -q -s tests/appliance/test_figures.py $(ARGS)

faults: packages-test $(VENV)/ready ## kill every part N times and more, break disk, link and clock, and compare (ARGS="--report FILE")
	@$(PYTHON) -m tests.faults --kills $(N) $(ARGS)

fuzz: packages-test $(VENV)/ready ## fuzz what comes in from outside with atheris (TARGET=ingest for one, SECONDS=600 for longer)
	@test -d build/fuzz || $(PYTHON) -m pip install -q --target build/fuzz atheris
	@for one in $(TARGET); do PYTHONPATH=build/fuzz $(PYTHON) -m tests.fuzz $$one --seconds $(SECONDS) || exit 1; done

carriers: packages-test $(VENV)/ready ## carry records beside thingsboard-gateway and a Mosquitto bridge, into PostgreSQL, 500 kiosks (minutes)
	@$(PYTHON) -m bench.carriers $(ARGS)

bundle: $(VENV)/ready ## make a release bundle in dist/ (FOR=3.13 for another Python, ARCH=aarch64 for another processor)
	@$(PYTHON) -m device.commands.main models fetch
	@tools/bundle.sh $(PYTHON) dist $(FOR) $(ARCH)

install: packages-$(if $(filter 0,$(SCREEN)),appliance,screen) ## install on this machine as an appliance, from a bundle made here (as root; safe to repeat; NAME=kiosk-2, SCREEN=0, DESKTOP=0)
	@$(MAKE) --no-print-directory bundle FOR=$(LOCAL) ARCH=$(shell uname -m)
	@dist/daka-$$($(PYTHON) -c 'import device; print(device.__version__)')-cp$(subst .,,$(LOCAL))-$(shell uname -m)/install.sh $(if $(NAME),--name $(NAME)) $(if $(filter 0,$(DESKTOP)),--no-desktop)

uninstall: ## take it off again; people, records and keys stay
	@systemd/uninstall.sh

check: packages-check $(VENV)/ready ## linters, types and import rules
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(VENV)/bin/lint-imports

bench: packages-demo $(VENV)/ready weights ## measure, each figure beside its peer (ONLY=recognition for one family)
	@$(PYTHON) -m bench $(if $(ONLY),--only $(ONLY)) $(if $(FACES),--faces $(FACES)) $(ARGS)

trials: packages-demo $(VENV)/ready weights ## many staged walk-ups faster than in real time: names, glasses, hats, attacks (FACES=FOLDER)
	@$(PYTHON) -m bench.trials $(if $(FACES),--faces $(FACES)) $(ARGS)

rush: packages-demo $(VENV)/ready weights ## eight fifty-nine in real time, five minutes (MINUTES=1, FACES=FOLDER of labelled photographs)
	@$(PYTHON) -m bench.rush --minutes $(MINUTES) $(if $(FACES),--faces $(FACES)) $(ARGS)

weights: $(VENV)/ready
	@$(PYTHON) -m device.commands.main models fetch --with-samples

packages-demo packages-check packages-test packages-vm packages-arm64 packages-appliance packages-screen:
	@tools/packages.sh $(@:packages-%=%)

$(VENV)/ready: $(LOCK) setup.py tools/environment.sh
	@tools/environment.sh $(VENV) $(LOCK)
	@touch $@

lock: ## renew the exact versions and hashes
	@tools/lock.sh $(LOCK)

clean: ## remove what was made here (not the fetched weights)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Set-up, demo and tests on a Debian machine with Python 3.11. State lies in .venv and .cache,
# which git ignores; delete them to begin anew.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is installed in it: enough for the demo, for searches, for detection, or all that tests and benchmarks take.
CREATED := $(VENV)/.created
READY := $(VENV)/.ready
TUNING := $(VENV)/.ready-tuning
DETECTION := $(VENV)/.ready-detection
DEV := $(VENV)/.ready-dev
DOCS := $(VENV)/.ready-docs
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile --editable
# What pip would do on one core.
COMPILE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
# Two processes, each with whole files of tests, which share what a file sets up.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
ADDONS := .cache/addons
TORCH := .cache/torch
FASHION := /usr/share/datasets/fashion-mnist
TREES := .cache/trees
IPYTHON := .cache/ipython
NOTEBOOKS := .cache/notebooks
EXECUTED := $(patsubst docs/notebooks/%,$(NOTEBOOKS)/%,$(wildcard docs/notebooks/*.ipynb))
PICTOGRAMS := .cache/pictograms
LETTERS := .cache/letters
TYPEFACES := fonts-adf-accanthis fonts-adf-gillius fonts-adf-tribun fonts-aenigma fonts-cantarell fonts-comic-neue \
  fonts-dejavu-core fonts-dejavu-extra fonts-dustin fonts-ebgaramond fonts-freefont-ttf fonts-junicode fonts-lato \
  fonts-liberation fonts-linuxlibertine fonts-lobster fonts-open-sans fonts-quattrocento fonts-roboto-unhinted \
  fonts-sil-gentium fonts-texgyre fonts-urw-base35 fonts-vollkorn
export TFDS_DATA_DIR ?= $(CURDIR)/.cache/tensorflow_datasets
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test test-fast test-huge test-kills test-addons coverage lint bench bench-quick searches data trees pictograms letters browser docs pictures clean

# Options of the command go in ARGS, as in make demo ARGS="--minutes 3".
demo: $(READY) data
	$(BIN)/cpc-keras demo $(ARGS)

test: $(DEV) data $(TREES)/.ready browser lint
	$(PYTEST)

test-fast: $(DEV) data $(TREES)/.ready
	$(PYTEST) --durations=10 --durations-min=1 -m "not slow and not huge and not kills"

# Lines and branches of the package that the tests reach, in their processes too. What is killed leaves no data.
coverage: $(DEV) data $(TREES)/.ready browser
	@mkdir -p .cache/coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST:$(BIN)/%=%) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --sort cover

test-huge: $(DEV)
	$(BIN)/pytest -m huge

test-kills: $(DEV)
	$(BIN)/pytest -s -m kills

# The older stack that many still run, as a consumer of what is exported.
test-addons: $(DEV) $(ADDONS)/.ready
	ADDONS_PYTHON=$(CURDIR)/$(ADDONS)/bin/python $(BIN)/pytest -m addons

$(ADDONS)/.ready:
	$(PYTHON) -m venv --clear $(ADDONS)
	$(ADDONS)/bin/pip install --quiet --disable-pip-version-check \
	  tensorflow==2.15.1 tensorflow-addons==0.23.0 tensorflow-hub==0.16.1 tf-keras==2.15.1 'numpy<2' 'setuptools<81'
	@touch $@

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Two of them measure what `make demo` leaves in saved_models/. Each leaves its table in .cache/bench.
bench: $(DEV) $(TORCH)/.ready data
	@mkdir -p .cache/bench
	for file in benchmarks/*.py; do \
	  kept=.cache/bench/$$(basename $$file .py).txt; \
	  TORCH_PYTHON=$(CURDIR)/$(TORCH)/bin/python $(BIN)/python $$file > $$kept || exit 1; cat $$kept; \
	done

# The training step beside PyTorch, in minutes.
bench-quick: $(READY) $(TORCH)/.ready
	TORCH_PYTHON=$(CURDIR)/$(TORCH)/bin/python $(BIN)/python benchmarks/training_step.py --quick

# What searching hyperparameters is worth on a run, RUN=runs/demo if not given: the linear map on frozen features in three
# subsets, the networks in one; 116 minutes on two cores without AVX-512 for a run of fashion_mnist_large. Two processes
# at a time, a thread each, the long ones first: that takes three quarters of the time of one after the other with two
# threads.
PAIRED = xargs -L 1 -P 2 env TF_NUM_INTRAOP_THREADS=1 $(BIN)/cpc-keras
RUN ?= runs/demo
searches: $(TUNING) data
	for labels in 600 60 5; do \
	  for regime in supervised finetune resnet; do \
	    echo --labels-per-class $$labels --regime $$regime --tuner hyperband; \
	  done; \
	  for seed in 0 1 2; do echo --labels-per-class $$labels --seed $$seed; done; \
	done | $(PAIRED) tune $(RUN)
	for found in supervised-per_class-600 finetune-per_class-600 resnet finetune-per_class-60 supervised-per_class-60 \
	  finetune-per_class-5 supervised-per_class-5 linear; do \
	  echo $(RUN)/tuning/$$found-* | sed 's/[^ ]*/--settings &/g'; \
	done | $(PAIRED) evaluate $(RUN)
	$(BIN)/cpc-keras evaluate $(RUN) --settings $(RUN)/tuning
	$(BIN)/cpc-keras report $(RUN)

# What benchmarks/training_step.py compares with.
$(TORCH)/.ready:
	@echo "Installs PyTorch into $(TORCH): 5.5 GB, most of them its libraries for GPUs; five minutes."
	$(PYTHON) -m venv --clear $(TORCH)
	$(TORCH)/bin/pip install --quiet --disable-pip-version-check torch numpy
	@touch $@

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || $(MAKE) --no-print-directory system PACKAGES=python3-venv
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(READY): setup.cfg | $(CREATED)
	@echo "Installs the package into $(VENV): 2.8 GB, 0.7 of them to fetch; one to three minutes on two cores."
	$(PIP_INSTALL) '.[tensorboard]'
	@$(COMPILE)
	@touch $@

$(TUNING): setup.cfg | $(CREATED)
	@echo "Installs the package with keras-tuner into $(VENV): 2.8 GB, 0.7 of them to fetch; one to three minutes."
	$(PIP_INSTALL) '.[tensorboard,tuning]'
	@$(COMPILE)
	@touch $(READY) $@

$(DETECTION): setup.cfg | $(CREATED)
	@echo "Installs the package with KerasHub into $(VENV): 3.1 GB, 0.8 of them to fetch; one to three minutes."
	$(PIP_INSTALL) '.[tensorboard,detection]'
	@$(COMPILE)
	@touch $(READY) $@

$(DEV): setup.cfg | $(CREATED)
	@echo "Installs the package and what its tests take into $(VENV): 3.8 GB, 0.9 of them to fetch; two to four minutes."
	$(PIP_INSTALL) '.[dev,tensorboard,tuning,detection]'
	@$(COMPILE)
	@touch $(READY) $(TUNING) $(DETECTION) $@

$(DOCS): setup.cfg | $(CREATED)
	@echo "Installs the package and what its site takes into $(VENV): 3 GB, 0.8 of them to fetch; one to three minutes."
	$(PIP_INSTALL) '.[tensorboard,docs]'
	@$(COMPILE)
	@touch $(READY) $@

# Fashion-MNIST from Debian; elsewhere TFDS downloads it when it is first asked for.
data:
	@test -f $(FASHION)/train-images-idx3-ubyte.gz || \
	  $(MAKE) --no-print-directory system PACKAGES=dataset-fashion-mnist || \
	  echo "Fashion-MNIST is not installed; TFDS will download it (apt-get install dataset-fashion-mnist avoids that)."

# Pictograms in nine categories, by npm from their vendors' packages, and letters in the typefaces of Debian's packages.
pictograms: $(READY) $(PICTOGRAMS)/.ready

$(PICTOGRAMS)/.ready:
	@command -v npm >/dev/null || { echo "Pictograms are packages of npm: please install it" >&2; exit 1; }
	@mkdir -p $(PICTOGRAMS)-packages
	cd $(PICTOGRAMS)-packages && \
	  npm pack --silent emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0
	$(BIN)/python benchmarks/real_sets.py pictograms $(PICTOGRAMS) $(PICTOGRAMS)-packages/*.tgz
	rm -r $(PICTOGRAMS)-packages
	@touch $@

letters: $(READY) $(LETTERS)/.ready

$(LETTERS)/.ready:
	@dpkg -L $(TYPEFACES) >/dev/null 2>&1 || $(MAKE) --no-print-directory system PACKAGES="$(TYPEFACES)"
	$(BIN)/python benchmarks/real_sets.py letters $(LETTERS) $$(dpkg -L $(TYPEFACES) | grep -iE '\.(ttf|otf)$$' | sort -u)
	@touch $@

# The pages of docs/ as a site, in .cache/site/index.html; see mkdocs.yml.
docs: $(DOCS) data
	@$(MAKE) --no-print-directory --jobs=2 $(EXECUTED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "The site: .cache/site/index.html"

# Notebooks with their outputs, side by side, a thread each; anew when a notebook or the package has changed.
$(NOTEBOOKS)/%.ipynb: docs/notebooks/%.ipynb $(shell find cpc_keras recipes -name '*.py')
	@mkdir -p $(@D) $(IPYTHON)/profile_default
	@echo "c.IPKernelApp.log_level = 40  # it warns of its own transport" > $(IPYTHON)/profile_default/ipython_kernel_config.py
	IPYTHONDIR="$(CURDIR)/$(IPYTHON)" PATH="$(CURDIR)/$(BIN):$$PATH" TF_NUM_INTRAOP_THREADS=1 \
	  $(BIN)/jupyter nbconvert --to notebook --execute --output-dir $(@D) $< \
	  2> $@.log || { cat $@.log; exit 1; }  # which has what TensorFlow logs, too

# The pictures of README and pages, from a run of the demo.
pictures: $(DEV) data browser
	$(BIN)/python docs/draw_pictures.py $(RUN)

# Annotated aerial photographs, which a Python package carries along: to train on, to test on, and pixels without
# boxes, none of them of the test image.
trees: $(DETECTION) $(TREES)/.ready

$(TREES)/.ready: | $(CREATED)
	rm -rf $(TREES)
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --dest $(TREES)/wheel deepforest==2.1.0
	$(BIN)/python -m zipfile -e $(TREES)/wheel/*.whl $(TREES)/wheel
	mkdir $(TREES)/train $(TREES)/test $(TREES)/unlabelled
	cp $(TREES)/wheel/deepforest/data/2019_YELL_2_528000_4978000_image_crop2.* $(TREES)/train
	cp $(TREES)/wheel/deepforest/data/2019_YELL_2_541000_4977000_image_crop.* $(TREES)/test
	cd $(TREES)/wheel/deepforest/data && \
	  cp 2019_YELL_2_528000_4978000_image_crop2.png OSBS_029.png SOAP_031.png SOAP_061.png ../../../unlabelled
	rm -r $(TREES)/wheel
	@touch $@

# Reports are tested in a real browser.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  $(MAKE) --no-print-directory system PACKAGES=chromium || \
	  echo "Chromium is not installed; the test that opens a report in it will fail."

.PHONY: system
system:
	@command -v apt-get >/dev/null && test "$$(id -u)" = 0 || \
	  { echo "Please install as root: apt-get install $(PACKAGES)" >&2; exit 1; }
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES)

clean:
	rm -rf $(VENV) .cache runs build *.egg-info

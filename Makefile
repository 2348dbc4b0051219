PYTHON ?= python3
VERBS := help setup run test check bench lock clean

.DEFAULT_GOAL := help
.PHONY: $(VERBS)

$(VERBS):
	@exec $(PYTHON) bootstrap.py $@ $(ARGS)

# goals.mk: What people type: deps, run, test, lint, asan, tsan, chaos, soak, install.
deps:
	@sh tools/deps

# Lint: objects of gcc (the build) and of clang with its lock checks, then the scripts; only what changed is done again.
C_FILES := $(wildcard src/*/*.c)
H_FILES := $(wildcard src/*/*.h)
FORMATTED := $(C_FILES) $(H_FILES) $(wildcard test/*/*.[ch] test/*/*/*.[ch])
LINT := $(BUILD)/lint
CHECKS := $(filter-out common,$(patsubst tools/lint/%.py,%,$(wildcard tools/lint/*.py)))
lint:
	@$(MAKE) --no-print-directory -k -j2 -Otarget BUILD=$(BUILD) lint-all
	@echo lint: all rules are kept
lint-all: lint-gcc lint-clang lint-headers $(LINT)/format $(addprefix lint-,$(CHECKS))
lint-gcc: $(patsubst %.c,$(BUILD)/%.o,$(C_FILES))
lint-clang:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-clang CC=clang CFLAGS=-O0 EXTRA=-Wthread-safety lint-gcc
lint-headers: $(patsubst %.h,$(LINT)/%.h.ok,$(H_FILES))
$(LINT)/%.h.ok: %.h
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -Wno-unused -fsyntax-only -MMD -MP -MF $(@:.ok=.d) -MT $@ -x c $< || \
		{ echo "$<:1: headers: does not compile alone; include what it names"; exit 1; }
	@touch $@
$(LINT)/format: $(FORMATTED) .clang-format
	@mkdir -p $(@D)
	@clang-format --dry-run -Werror $(filter %.c %.h,$?) || { echo "format: run clang-format -i on these files"; exit 1; }
	@touch $@
$(addprefix lint-,$(CHECKS)): lint-%: lint-gcc
	@BUILD=$(BUILD) python3 tools/lint/$*.py
.PHONY: deps lint lint-all lint-gcc lint-clang lint-headers $(addprefix lint-,$(CHECKS))

include test/bench/bench.mk

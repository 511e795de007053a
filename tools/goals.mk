# goals.mk: What people type: deps, run, test, lint, asan, tsan, chaos, soak, install, deb.
deps:
	@sh tools/deps
deps-run:
	@sh tools/deps run

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
.PHONY: deps deps-run lint lint-all lint-gcc lint-clang lint-headers $(addprefix lint-,$(CHECKS))

# Tests: test/README.md. WORDS picks some: make test WORDS=unit/mail.
test: deps
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) all units
	@BUILD=$(BUILD) python3 tools/test $(WORDS)
asan: deps
	@$(MAKE) --no-print-directory -j2 BUILD=build-asan MALLOC= CFLAGS="-O1 -g" EXTRA="-fsanitize=address,undefined -DVEREDUS_RANKS" all units
	@BUILD=build-asan VEREDUS_SLOW=3 ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		python3 tools/test $(ASAN_WORDS)
tsan: deps
	@$(MAKE) --no-print-directory -j2 BUILD=build-tsan ROCKSDB=shared MALLOC= CFLAGS="-O1 -g" EXTRA="-fsanitize=thread -Wno-tsan" all units
	@BUILD=build-tsan VEREDUS_SLOW=5 VEREDUS_ENGINE=sqlite \
		TSAN_OPTIONS="suppressions=$(CURDIR)/tools/lists/tsan halt_on_error=0 exitcode=66 die_after_fork=0" \
		python3 tools/test $(or $(TSAN_WORDS),unit/ dialogues/sqlite live/logins live/bad_input live/outgoing live/clients)
chaos: deps
	@$(MAKE) --no-print-directory -j2 BUILD=build-chaos CFLAGS="-O1 -g" EXTRA="-DVEREDUS_CHAOS -DVEREDUS_RANKS" all
	@BUILD=build-chaos VEREDUS_SLOW=3 python3 tools/test $(or $(CHAOS_WORDS),dialogues chaos)

# Serve on unprivileged loopback ports, with state under ./var.
run: deps-run
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) all >/dev/null
	@sh tools/run $(BUILD)

# Pages that are made from tables.
docs: $(BUILD)/veredus
	$(BUILD)/veredus check --settings > docs/settings.md
map:
	@python3 tools/map.py
# The long forms, with their figures: the power cut at every flush point; kill -9 at 200 moments of each engine; 10,000
# accounts; object stores by schedule; 2,000 sessions that log in at once; the main job in 128 MB on one core.
soak: deps
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) all
	BUILD=$(BUILD) python3 test/crash/test_powercut.py --points $(or $(POINTS),all)
	BUILD=$(BUILD) VEREDUS_KILLS=$(or $(KILLS),200) python3 test/live/crash.py
	BUILD=$(BUILD) VEREDUS_ACCOUNTS=$(or $(ACCOUNTS),10000) python3 test/live/accounts.py
	BUILD=$(BUILD) VEREDUS_LONG=1 python3 test/live/objects.py
	BUILD=$(BUILD) python3 test/soak/relogin.py
	BUILD=$(BUILD) python3 test/soak/small.py
	BUILD=$(BUILD) python3 test/soak/burst.py
	BUILD=$(BUILD) python3 test/soak/idle.py
.PHONY: docs map soak

DESTDIR ?=
install: all
	install -D -m 755 $(BUILD)/veredus $(DESTDIR)$(PREFIX)/sbin/veredus
	install -D -m 644 docs/man/veredus.1 $(DESTDIR)$(PREFIX)/share/man/man1/veredus.1
	install -D -m 644 tools/veredus.service $(DESTDIR)/lib/systemd/system/veredus.service
deb: deps-run
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) all >/dev/null
	@sh tools/deb $(BUILD)
.PHONY: test asan tsan chaos run install deb

include test/bench/bench.mk

# Makefile: the whole build. Rooms are found by wildcard, floors by src/FLOORS, dependencies by depfiles.
BUILD ?= build
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr
PKGS := libcrypto libssl libcurl libpcre2-8 liblz4 libzstd zlib sqlite3 libxxhash libidn2 libpsl expat jansson libutf8proc libargon2 libcrypt libunbound libnghttp2
WARN := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wmissing-prototypes -Wswitch-enum -Werror
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu2x -D_GNU_SOURCE -Isrc -include src/base/banned.h $(WARN) -fno-omit-frame-pointer -pthread $(CFLAGS) $(EXTRA)
MALLOC ?= -ljemalloc
# RocksDB by its archive (decision 5); ROCKSDB=shared: by its shared library, for tools that must tell its code from ours.
ROCKSDB ?= archive
ifeq ($(ROCKSDB),shared)
ALL_CFLAGS += -DVEREDUS_ROCKSDB_SHARED
ROCKSDB_LIBS := -lrocksdb
else
ROCKSDB_LIBS := -Wl,--exclude-libs,librocksdb.a -l:librocksdb.a -lsnappy -lbz2 -lgflags -lstdc++
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)),)
ROCKSDB_LIBS := -Wl,--wrap=_ZN7rocksdb6crc32c6ExtendEjPKcm $(ROCKSDB_LIBS)
endif
endif
LIBS := $(ROCKSDB_LIBS) -lssl -lcrypto -lcurl -lpcre2-8 -llz4 -lzstd -lz -lsqlite3 -lxxhash -lidn2 -lpsl -lexpat -ljansson -lutf8proc -largon2 -lcrypt -lunbound -lnghttp2 -lpq -lmariadb $(MALLOC) -lm -pthread

# FLOOR_ROOMS: every room, lowest first; archives link in the reverse order.
FLOOR_ROOMS := $(shell grep -v '^[#!]' src/FLOORS)
ROOMS := $(foreach r,$(FLOOR_ROOMS),$(if $(wildcard src/$(r)/*.c),$(r)))
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
# The rooms that stand on floors below that of room $(1), and itself.
below = $(shell awk '!/^[#!]/ { f = 0; for (i = 1; i <= NF; i++) if ($$i == "$(1)") f = 1; if (f) { print "$(1)"; exit } print }' src/FLOORS)
archives = $(patsubst %,$(BUILD)/%.a,$(call reverse,$(filter $(ROOMS),$(1))))
objects = $(patsubst src/%.c,$(BUILD)/src/%.o,$(wildcard src/$(1)/*.c))

all: $(BUILD)/veredus

$(BUILD)/veredus: $(call archives,$(ROOMS))
	$(CC) $(ALL_CFLAGS) -rdynamic -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)

define room
$(BUILD)/$(1).a: $(call objects,$(1))
	@rm -f $$@; ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/src/link/mysql.o: ALL_CFLAGS += '-DBANNED_AFTER=<mariadb/mysql.h>'

# Unit tests: one program a room, test/unit/<room>/*.c with cmocka, linked with the rooms below only.
UNIT_ROOMS := $(notdir $(wildcard test/unit/*))
define unit
$(BUILD)/unit/$(1): $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/unit/$(1)/*.c)) $(call archives,$(call below,$(1)))
	@mkdir -p $$(@D)
	$(CC) $(ALL_CFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -lcmocka $(LIBS)
unit-$(1): $(BUILD)/unit/$(1)
	$(BUILD)/unit/$(1)
endef
$(foreach r,$(UNIT_ROOMS),$(eval $(call unit,$(r))))
units: $(patsubst %,$(BUILD)/unit/%,$(UNIT_ROOMS))

# Fuzz targets: test/fuzz/<target>.c; the first line's word after "room:" says which rooms it links.
FUZZ_TARGETS := $(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/*.c))
FUZZ_SECONDS ?= 60
define fuzz
fuzz-build-$(1): 
	@$$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang MALLOC= EXTRA="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" build-fuzz/fuzz/$(1)
$(BUILD)/fuzz/$(1): $(BUILD)/test/fuzz/$(1).o $(call archives,$(call below,$(shell sed -n '1s/.*room: *\([a-z]*\).*/\1/p' test/fuzz/$(1).c)))
	@mkdir -p $$(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LIBS)
fuzz-$(1): fuzz-build-$(1)
	@mkdir -p test/fuzz/corpus/$(1) build-fuzz/corpus/$(1)
	build-fuzz/fuzz/$(1) -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 build-fuzz/corpus/$(1) test/fuzz/corpus/$(1)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz,$(t))))
fuzz: $(patsubst %,fuzz-%,$(FUZZ_TARGETS))

include tools/goals.mk

clean:
	rm -rf $(BUILD) build-*

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
.PHONY: all clean units fuzz

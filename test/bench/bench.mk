# bench.mk: make bench [QUICK=1] [ROWS="relay append"] [SIDES="dovecot veredus"]: the peers and we, side by side.
$(BUILD)/driver: $(wildcard test/bench/*.c) test/bench/driver.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.c,$^) -lssl -lcrypto
bench: $(BUILD)/driver $(BUILD)/veredus
	test/bench/bench.py --build $(BUILD) --work build-bench $(if $(QUICK),--quick) $(if $(ROWS),--rows "$(ROWS)") $(if $(SIDES),--sides "$(SIDES)")
.PHONY: bench

# goals.mk: what people type: deps, run, test, lint, asan, tsan, chaos, soak, bench, install.
deps:
	@sh tools/deps
.PHONY: deps

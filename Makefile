# Thin front to tools/ and Meson. On Debian 12, `make` and `git` are all that has to be there:
# every target installs what it needs first (tools/setup) and asks nothing.

.PHONY: all run test prove coverage stress soak valgrind bench lint fuzz docs install clean setup windows test-windows

all:
	@tools/setup build
	@ninja -C "$$(tools/configure dev)"

setup:
	@tools/setup build test lint

run:
	@tools/setup build
	@ninja -C "$$(tools/configure dev)" --quiet
	@exec tools/run

test:
	@tools/setup build test
	@exec tools/test dev

# The models, the mutations, and the core's tests in the hard builds.
prove:
	@tools/setup build test
	@exec tools/prove

lint:
	@tools/setup build test lint
	@exec tools/lint

# Halyard and its peers doing the same work: about an hour; QUICK=1: a few minutes. With PUBLISH=1
# the results are then written into README.md and docs/performance.md.
bench:
	@tools/setup build bench
	@ninja -C "$$(tools/configure bench)" --quiet
	@mkdir -p build && code=0 && \
	python3 bench/run.py --build build-bench --out build/bench.json $(if $(QUICK),--quick) || code=$$?; \
	$(if $(PUBLISH),python3 bench/publish.py build/bench.json || code=$$?;) \
	exit $$code

# What the suites of the core reach of src/core and src/dispatch, by file; fails below the goals.
# WRITE=--write renews docs/coverage.md.
coverage:
	@tools/setup build test
	@find build-coverage -name '*.gcda' -delete 2>/dev/null || true
	@tools/test coverage --suite core --suite glib --no-suite compile-fail
	@exec tools/coverage.py --check $(WRITE)

# The suite `stress` plain and sanitized, over and over for MINUTES, and the core's suite under valgrind.
# WRITE=--write renews docs/stress.md.
MINUTES ?= 10
stress:
	@tools/setup build test
	@exec tools/stress $(WRITE) $(MINUTES)

# The whole suite ROUNDS times under TSan and ASan, more tests at a time than processors. Two hours on two cores.
ROUNDS ?= 50
soak:
	@tools/setup build test
	@exec tools/soak $(ROUNDS)

# Each program of the core's suite once under valgrind.
valgrind:
	@tools/setup build test
	@exec tools/stress valgrind

fuzz:
	@tools/setup build test
	@exec tools/fuzz $(TARGETS)

# DLLs, program and headers for Windows, in build-windows and as a zip in build.
windows:
	@tools/setup build windows
	@exec tools/windows_package

test-windows:
	@tools/setup build windows
	@exec tools/test windows

docs:
	@tools/setup docs
	@mkdir -p build/docs && doxygen docs/Doxyfile

# PREFIX=/usr/local and DESTDIR as usual.
install:
	@tools/setup build
	@meson configure "$$(tools/configure release)" --prefix "$${PREFIX:-/usr/local}"
	@meson install -C build-release

clean:
	rm -rf build build-*

#!/usr/bin/env bash
# All tests under ThreadSanitizer, those with a Kafka broker too. Passes if nothing was reported and no test failed.
#   tests/tsan.sh [FOLDER] [PART...]     FOLDER: where it is built, and what it says is kept (default ./build-tsan); PART: check (make check), all (tests/all.sh)
#                                        or a command with $WEIR in it; default: check all
# Debian's librdkafka is not instrumented, and its locks are C11's, which the sanitizer does not see: every record that it hands over would count as a race.
# So Debian's source package of it is built here, once, instrumented and with pthread's locks; SQLite's, too, since a connection has no locks of its own, and
# two threads in one are a defect of ours that shows only there. Nothing is installed, and nobody needs to be root. There are no suppressions.
# Needs what ./quickstart test installs, and dpkg-dev; the first time a mirror of Debian, too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
mkdir -p "${1:-build-tsan}"
folder=$(cd "${1:-build-tsan}" && pwd)
shift || true
jobs=${JOBS:-$(nproc)}

# Debian's source of a package, for the release that runs, into $folder/source; apt gets lists and caches of its own
fetch_source() {
	local apt=$folder/apt release
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/source"
	echo "deb-src http://deb.debian.org/debian $release main" > "$apt/sources.list"
	local options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=)
	apt-get "${options[@]}" update
	(cd "$folder/source" && apt-get "${options[@]}" source --only-source "$1")
}

instrumented="-O1 -g -fsanitize=thread -fno-omit-frame-pointer"
build_librdkafka() {
	[ ! -f "$folder/usr/lib/pkgconfig/rdkafka.pc" ] || return 0
	fetch_source librdkafka
	cd "$folder"/source/librdkafka-*/
	CFLAGS=$instrumented CXXFLAGS=$instrumented LDFLAGS=-fsanitize=thread ./configure --prefix="$folder/usr" --disable-c11threads --disable-gssapi --disable-curl >"$folder/librdkafka.out"
	make -C src -j"$jobs" install >>"$folder/librdkafka.out" 2>&1
}

# With Debian's options. The WAL's index is shared memory that is read on purpose while others may write it, and checked: SQLite marks these functions, for clang only.
build_sqlite() {
	[ ! -f "$folder/usr/lib/libsqlite3.so" ] || return 0
	fetch_source sqlite3
	cd "$folder"/source/sqlite3-*/
	sed -i 's/^#if defined(__clang__) && !defined(SQLITE_NO_TSAN)/#if !defined(SQLITE_NO_TSAN)/' src/wal.c
	grep -q '^#if !defined(SQLITE_NO_TSAN)' src/wal.c
	{ [ -x configure ] || autoreconf -fi; CFLAGS="$instrumented $(grep -o -- '-DSQLITE_[A-Z0-9_]*\(=[0-9]*\)\?' debian/rules | tr '\n' ' ')" LDFLAGS=-fsanitize=thread \
		./configure --prefix="$folder/usr" --enable-fts5 --disable-tcl --disable-readline --disable-editline; make libsqlite3.la; } >"$folder/sqlite.out" 2>&1
	cp -a .libs/libsqlite3.so* "$folder/usr/lib/"
}

build_weir() {
	[ -x "$root/configure" ] || (cd "$root" && autoreconf -fi)
	mkdir -p "$folder/weir"
	cd "$folder/weir"
	[ -f Makefile ] || PKG_CONFIG_PATH=$folder/usr/lib/pkgconfig "$root/configure" --quiet --enable-sanitizers=thread CFLAGS=-O1 CXXFLAGS=-O1 LDFLAGS="-Wl,-rpath,$folder/usr/lib"
	make -s -j"$jobs" weir
}

(build_librdkafka)
(build_sqlite)
(build_weir)
mkdir -p "$folder/reports"
rm -f "$folder"/reports/*
# Reports go to files, out of the way of what the tests compare. At its end a process waits a second for threads that race with it; there are some thousand processes.
export TSAN_OPTIONS="log_path=$folder/reports/report atexit_sleep_ms=20 second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
export WEIR=$folder/weir/weir SRCDIR=$root
cd "$folder/weir"
failed=0
[ $# -gt 0 ] || set -- check all
for part in "$@"; do
	echo "== $part"
	case $part in
	check) make -s -j"$jobs" check ;;
	all) "$here/all.sh" "$WEIR" ;;
	*) bash -c "$part" ;;
	esac || { failed=1; echo "FAILED: $part"; }
done
if grep -h '^SUMMARY' -r "$folder/reports" | sort | uniq -c | sort -rn | grep .; then
	echo "the reports are in $folder/reports"
	failed=1
fi
[ "$failed" = 0 ] && echo "passed, nothing was reported"
exit "$failed"

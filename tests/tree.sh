#!/usr/bin/env bash
# Is every source file built, every folder described, and does nobody include what he may not?
set -u
cd "${SRCDIR:-$(dirname "$0")/..}" || exit 1
bad=0
complain() { echo "$1" >&2; bad=1; }

# every file of src, shell, grammar and tests stands in Makefile.am
for file in src/*/*.c src/*/*.cpp src/*/*.h src/*/*.def shell/*.c shell/*.h shell/*.def tests/test_*.c; do
	grep -q "[[:space:]]$file\b\|= $file\b" Makefile.am || complain "$file is not in Makefile.am"
done
# and nothing else does
grep -oE '(src|shell|tests)/[A-Za-z0-9_/]+\.(c|cpp|h|def)' Makefile.am | sort -u | while read -r file; do
	[ -f "$file" ] || { echo "$file is in Makefile.am, but not there" >&2; exit 1; }
done || bad=1
for folder in src/*/; do
	[ -f "$folder/README.md" ] || complain "$folder has no README.md"
done

# who may include whom (CONVENTIONS: base <- type <- expr for all; compile side and run side meet in plan's lowering and in engine)
may_include() {
	case $1 in
	base) echo base ;;
	type) echo base type ;;
	expr) echo base type expr ;;
	ast) echo base type ast ;;
	catalog) echo base type expr catalog ;;
	state) echo base state ;;
	op) echo base type expr state op ;;
	format) echo base type expr catalog format ;;
	connect) echo base type catalog format connect ;;
	plan) echo base type expr catalog state op plan ;;
	bind) echo base type expr ast catalog op plan format bind ;;
	store) echo base type expr catalog op plan store state ;;
	run) echo base type expr catalog state op plan connect format store run ;;
	engine) echo base type expr ast catalog bind plan op state run connect format store engine ;;
	server) echo base type engine server ;;
	esac
}
for folder in src/*/; do
	name=$(basename "$folder")
	allowed=" $(may_include "$name") "
	grep -nE '^#include "[a-z]+/' "$folder"*.c "$folder"*.h 2>/dev/null | sed -E 's/^([^:]+):[0-9]+:#include "([a-z]+)\/.*/\1 \2/' | sort -u | while read -r file used; do
		case $allowed in *" $used "*) ;; *) [ "$used" = grammar ] || echo "$file includes $used/, which $name may not" ;; esac
	done
done > "${TMPDIR:-/tmp}/tree.$$"
[ -s "${TMPDIR:-/tmp}/tree.$$" ] && { cat "${TMPDIR:-/tmp}/tree.$$" >&2; bad=1; }
rm -f "${TMPDIR:-/tmp}/tree.$$"
exit $bad

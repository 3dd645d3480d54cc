#!/usr/bin/env bash
# Are the pages that are made of tables what the program makes of them now? usage: tests/documents.sh WEIR [--write]
set -u
weir=$(realpath "${1:-./weir}")
cd "${SRCDIR:-$(dirname "$0")/..}" || exit 1
bad=0
while read -r page file; do
	if [ "${2:-}" = --write ]; then
		"$weir" --docs "$page" > "$file" || bad=1
	elif ! "$weir" --docs "$page" | cmp -s - "$file"; then
		echo "$file is not what weir --docs $page prints; tests/documents.sh WEIR --write mends it" >&2
		bad=1
	fi
done << END
functions docs/functions.md
options docs/options.md
tables docs/tables.md
errors docs/errors.md
shell docs/shell.md
man docs/weir.1
completion shell/completion.bash
END
exit $bad

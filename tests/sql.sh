#!/usr/bin/env bash
# The scripts of sql-tests/, each at every setting of `weir test`.
set -eu
exec "${WEIR:-./weir}" test "${SRCDIR:-$(dirname "$0")/..}"/sql-tests/*.test

#!/usr/bin/env bash
# Runs the benchmarks of a revision and of the working tree alternately, so that a
# busy machine slows both, and compares them with benchstat.
set -euo pipefail
cd "$(dirname "$0")/.."
rev=${1:?usage: bench-compare.sh REVISION}
rounds=${ROUNDS:-6}
dir=$(mktemp -d)
trap 'git worktree remove --force "$dir/tree" 2>/dev/null || true; rm -rf "$dir"' EXIT
git worktree add --quiet --detach "$dir/tree" "$rev"
packages="./config ./plan ./engine ./state"
for ((i = 1; i <= rounds; i++)); do
	echo "round $i of $rounds" >&2
	(cd "$dir/tree" && go test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-1s}" $packages 2>/dev/null) >>"$dir/before.txt" || true
	go test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-1s}" $packages >>"$dir/after.txt"
done
go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da "$rev=$dir/before.txt" "working-tree=$dir/after.txt"

#!/usr/bin/env bash
# Runs every fuzzer of the repository, one after the other, for the time given
# (default 30s). The first finding ends the run; its input is then in
# testdata/fuzz beside the fuzzer. Commit it with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-30s}
count=0
for package in $(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do
  for fuzzer in $(grep -h '^func Fuzz' "$package"/*_test.go | sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/'); do
    echo "== $package $fuzzer"
    go test -run '^$' -fuzz "^$fuzzer\$" -fuzztime "$time" -fuzzminimizetime 100x -parallel "${FUZZPARALLEL:-1}" "$package"
    count=$((count + 1))
  done
done
echo "$count fuzzers ran for $time each and found nothing."

#!/usr/bin/env bash
# Shows credsync at work on this machine: two accounts at emulated upstreams,
# whose tokens are written to files. It leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
sandbox=
cleanup() {
  status=$?
  trap - EXIT
  if [ -n "$sandbox" ]; then
    kill "$sandbox" 2>/dev/null || true
    wait "$sandbox" 2>/dev/null || true
  fi
  rm -rf "$dir"
  if [ "$status" -ne 0 ]; then echo "The demo failed with exit code $status." >&2; fi
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
if [ ! -t 1 ] || [ -n "${NO_COLOR:-}" ]; then
  say() { printf '\n# %s\n' "$*"; }
fi

# show CODE ARGS...: runs credsync and checks that it ends with that code.
show() {
  local want=$1 got=0
  shift
  printf '\n$ credsync %s\n' "$*"
  "$dir/bin/credsync" "$@" || got=$?
  echo "(exit code $got)"
  if [ "$got" -ne "$want" ]; then
    echo "Exit code $want was expected." >&2
    exit 1
  fi
}

say "Build credsync, and the sandbox that stands in for the upstreams."
go build -o "$dir/bin/" ./cmd/credsync ./cmd/credsync-sandbox

"$dir/bin/credsync-sandbox" --url-file "$dir/urls.json" >/dev/null &
sandbox=$!
for _ in $(seq 100); do
  [ -s "$dir/urls.json" ] && break
  kill -0 "$sandbox" 2>/dev/null || { echo "The sandbox did not start." >&2; exit 1; }
  sleep 0.1
done
url() { sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}\$/\1/p" "$dir/urls.json"; }

# The sandbox's own accounts; none of this is secret.
export CREDSYNC_VAR_invoicebox_url CREDSYNC_VAR_sagi_url
CREDSYNC_VAR_invoicebox_url=$(url invoicebox)
CREDSYNC_VAR_sagi_url=$(url sagi)
export CREDSYNC_VAR_invoicebox_token=b37c4c689295904ed21eee5d9a48d42e
export CREDSYNC_VAR_sagi_phone=business_user@example.com
export CREDSYNC_VAR_sagi_password=secure_password

mkdir "$dir/demo"
cp examples/quickstart.hcl "$dir/demo/main.hcl"
cd "$dir/demo"

say "The accounts, as a team declares them in git (examples/quickstart.hcl):"
sed -n '/^account/,$p' main.hcl

say "Is the configuration valid? This contacts nothing."
show 0 validate

say "What would be done, and why? Exit code 2 says that there are changes."
show 2 plan --detailed-exitcode

say "Do it: log in, verify, deliver. Without --auto-approve, credsync asks."
show 0 apply --auto-approve

say "What was written. The values are masked here; the files hold the real ones."
for file in secrets/*; do
  printf '\n%s  %s\n' "$(ls -l "$file" | cut -c1-10)" "$file"
  sed -E -e 's/^( *"[^"]+": ?)("[^"]*"|[^,]*)(,?)$/\1"********"\3/' -e 's/^([A-Z_]+=).*/\1********/' "$file"
done

say "Plan again: nothing is left to do, so the exit code is 0."
show 0 plan --detailed-exitcode

say "Someone overwrites a target. The next apply writes the token again, without a login."
echo 'SAGI_TOKEN=broken' >secrets/coffee.env
show 2 plan --detailed-exitcode
show 0 apply --auto-approve

say "The status of every account."
show 0 status

say "Done. Nothing is left on this machine."

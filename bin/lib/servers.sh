# Sourced by bin/test, after setup.sh: a PostgreSQL and a Redis for the specs of the adapters, on free
# ports of 127.0.0.1, with their data in a temporary folder. Specs find them by PGHOST, PGPORT, PGUSER,
# PGDATABASE, DATABASE_URL and REDIS_URL.

servers_dir=

servers_start() {
  local packages=()
  postgres_bin >/dev/null || packages+=(postgresql)
  have redis-server || packages+=(redis-server)
  [ ${#packages[@]} = 0 ] || install_packages "${packages[@]}"

  servers_dir=$(mktemp -d "${TMPDIR:-/tmp}/polyphony-servers.XXXXXX")
  chmod 755 "$servers_dir"
  try_ports postgres_start || die "PostgreSQL did not start: $(tail -n 5 "$servers_dir/postgres.log" 2>/dev/null)"
  try_ports redis_start || die "Redis did not start: $(tail -n 5 "$servers_dir/redis.log" 2>/dev/null)"
}

servers_stop() {
  [ -n "$servers_dir" ] || return 0
  if [ -e "$servers_dir/postgres/postmaster.pid" ]; then
    as_postgres "$(postgres_bin)/pg_ctl" -D "$servers_dir/postgres" -m immediate -w -t 20 stop >/dev/null || true
  fi
  [ ! -e "$servers_dir/redis.pid" ] || kill "$(cat "$servers_dir/redis.pid")" 2>/dev/null || true
  rm -rf "$servers_dir"
  servers_dir=
}

# try_ports FUNCTION: calls it with a free port; again with another, as somebody may have taken it.
try_ports() {
  local try port
  for try in 1 2 3; do
    port=$(ruby --disable-gems -rsocket -e 'print TCPServer.new("127.0.0.1", 0).addr[1]')
    "$1" "$port" && return
  done
  return 1
}

# The folder of PostgreSQL's programs, which Debian keeps off the PATH.
postgres_bin() {
  local dirs=(/usr/lib/postgresql/*/bin)
  if have initdb && have pg_ctl; then dirname "$(command -v initdb)"
  elif [ -x "${dirs[-1]}/initdb" ]; then printf '%s\n' "${dirs[-1]}"
  else return 1
  fi
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

postgres_start() {
  local port=$1 bin data=$servers_dir/postgres log=$servers_dir/postgres.log
  bin=$(postgres_bin)
  if [ ! -d "$data" ]; then
    mkdir "$data" && touch "$log"
    [ "$(id -u)" != 0 ] || chown postgres "$data" "$log"
    (cd / && as_postgres "$bin/initdb" -D "$data" -A trust -U postgres -E UTF8 --no-locale --no-sync >>"$log" 2>&1) || return
  fi
  (cd / && as_postgres "$bin/pg_ctl" -D "$data" -l "$log" -w -t 60 \
    -o "-h 127.0.0.1 -p $port -k $data -F -c max_connections=100" start >/dev/null) || return
  export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres
  export DATABASE_URL=postgres://postgres@127.0.0.1:$port/postgres
}

redis_start() {
  local port=$1 try
  redis-server --bind 127.0.0.1 --port "$port" --dir "$servers_dir" --save '' --appendonly no \
    --daemonize yes --pidfile "$servers_dir/redis.pid" --logfile "$servers_dir/redis.log" >/dev/null || return
  for try in {1..100}; do
    [ "$(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null)" != PONG ] || break
    [ "$try" != 100 ] && sleep 0.1 || return 1
  done
  export REDIS_URL=redis://127.0.0.1:$port/0
}

# Sourced by bin/test, after setup.sh: a PostgreSQL, a Redis and a MariaDB for the specs of the adapters, on
# free ports of 127.0.0.1, with their data in a temporary folder. Specs find them by PGHOST, PGPORT, PGUSER,
# PGDATABASE, DATABASE_URL, REDIS_URL and MYSQL_URL.

servers_dir=
PATH=$PATH:/usr/sbin:/sbin # where Debian has some of the servers, and a user's PATH nothing

servers_start() {
  local packages=()
  postgres_bin >/dev/null || packages+=(postgresql)
  have redis-server || packages+=(redis-server)
  have mariadbd && have my_print_defaults || packages+=(mariadb-server-core mariadb-client-core)
  have memcached || packages+=(memcached) # specs start this one and the next themselves
  have sshd || packages+=(openssh-server)
  [ ${#packages[@]} = 0 ] || install_packages "${packages[@]}"

  servers_dir=$(mktemp -d "${TMPDIR:-/tmp}/polyphony-servers.XXXXXX")
  chmod 755 "$servers_dir"
  try_ports postgres_start || die "PostgreSQL did not start: $(tail -n 5 "$servers_dir/postgres.log" 2>/dev/null)"
  try_ports redis_start || die "Redis did not start: $(tail -n 5 "$servers_dir/redis.log" 2>/dev/null)"
  try_ports mariadb_start || die "MariaDB did not start: $(tail -n 5 "$servers_dir/mariadb.log" 2>/dev/null)"
}

servers_stop() {
  [ -n "$servers_dir" ] || return 0
  if [ -e "$servers_dir/postgres/postmaster.pid" ]; then
    as_postgres "$(postgres_bin)/pg_ctl" -D "$servers_dir/postgres" -m immediate -w -t 20 stop >/dev/null || true
  fi
  [ ! -e "$servers_dir/redis.pid" ] || kill "$(cat "$servers_dir/redis.pid")" 2>/dev/null || true
  mariadb_kill
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

# As whoever runs it, root included. Its data are thrown away: nothing is written for good.
mariadb_start() {
  local port=$1 try user data=$servers_dir/mariadb log=$servers_dir/mariadb.log
  user=$(id -un)
  if [ ! -d "$data" ]; then
    mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal \
      --innodb-log-file-size=4M --user="$user" >"$log" 2>&1 || return
  fi
  : >"$log"
  mariadbd --no-defaults --datadir="$data" --user="$user" --bind-address=127.0.0.1 --port="$port" \
    --socket="$data/mysqld.sock" --pid-file="$servers_dir/mariadb.pid" --max-connections=100 \
    --innodb-log-file-size=4M --innodb-buffer-pool-size=16M --innodb-flush-log-at-trx-commit=0 \
    >>"$log" 2>&1 </dev/null &
  local pid=$!
  for try in {1..300}; do
    ! grep -q 'ready for connections' "$log" || break
    kill -0 "$pid" 2>/dev/null && [ "$try" != 300 ] && sleep 0.1 || { kill -KILL "$pid" 2>/dev/null; return 1; }
  done
  disown "$pid"
  export MYSQL_URL=mysql://root@127.0.0.1:$port/test
}

mariadb_kill() {
  local pid try
  pid=$(cat "$servers_dir/mariadb.pid" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null || return 0
  for try in {1..100}; do
    kill -0 "$pid" 2>/dev/null && sleep 0.05 || return 0 # until then it writes to the folder
  done
}

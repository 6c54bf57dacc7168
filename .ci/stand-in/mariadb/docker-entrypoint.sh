#!/usr/bin/env bash
set -euo pipefail
[ "$1" = mariadbd ] || exec "$@"

data=/var/lib/mysql

setting() { # setting NAME: the value of MARIADB_NAME, or what the file MARIADB_NAME_FILE holds, or nothing
  local value=MARIADB_$1 file=MARIADB_$1_FILE
  if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!value:-}"; fi
}

quoted() { printf "'%s'" "$(setting "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"; }

if [ "$(id -u)" = 0 ]; then # it starts as root and goes on as mysql, with the passwords that root alone may read
  for name in ROOT_PASSWORD PASSWORD; do
    file=MARIADB_${name}_FILE
    [ -z "${!file:-}" ] || { value=$(cat "${!file}") && export "MARIADB_$name=$value" && unset "$file"; }
  done
  chown mysql:mysql "$data" /run/mysqld
  exec setpriv --reuid=mysql --regid=mysql --clear-groups "$0" "$@"
fi

if [ ! -d "$data/mysql" ]; then
  [ -n "$(setting ROOT_PASSWORD)" ] || { echo "set MARIADB_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD_FILE" >&2; exit 1; }
  mariadb-install-db --no-defaults --datadir="$data" --skip-test-db --auth-root-authentication-method=normal >/dev/null
  {
    echo "CREATE USER 'root'@'%' IDENTIFIED BY $(quoted ROOT_PASSWORD);"
    echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted ROOT_PASSWORD);"
    echo "CREATE USER 'healthcheck'@'127.0.0.1' IDENTIFIED BY 'healthcheck';"
    [ -z "$(setting DATABASE)" ] || echo "CREATE DATABASE \`$(setting DATABASE)\`;"
    [ -z "$(setting USER)" ] || echo "CREATE USER $(quoted USER)@'%' IDENTIFIED BY $(quoted PASSWORD);"
    [ -z "$(setting USER)" ] || [ -z "$(setting DATABASE)" ] || echo "GRANT ALL ON \`$(setting DATABASE)\`.* TO $(quoted USER)@'%';"
  } >/tmp/first-start.sql
  set -- "$@" --init-file=/tmp/first-start.sql
fi
exec "$@" --bind-address=0.0.0.0 --skip-name-resolve

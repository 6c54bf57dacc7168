#!/usr/bin/env bash
# healthcheck.sh [--connect] [--innodb_initialized]: succeeds when the server answers over the network.
exec mariadb --host 127.0.0.1 --protocol tcp --user healthcheck --password=healthcheck -e 'SELECT 1' >/dev/null

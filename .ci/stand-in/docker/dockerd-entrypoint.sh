#!/bin/sh
# Starts `dockerd ...` in a privileged container of a machine with cgroup v1, where its controllers are mounted already.
set -eu
rm -f /var/run/docker.pid
exec "$@"

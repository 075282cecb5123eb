#!/bin/sh
# A new version of the compose stack without downtime: deploy/rolling.sh, after `git pull`.
#
# New web processes come up beside the old ones and are ready before those are told to end. Each socket sees one planned
# close (4012) and comes back to a new process. The database is migrated first, so the old version must bear the new tables:
# see "Upgrade" in deploy/README.md.
set -eu
cd "$(dirname "$0")/.."

old=$(docker compose ps -q web)
replicas=$(echo "$old" | wc -l)

docker compose build web
docker compose run --rm migrate
docker compose up --detach --no-deps --no-recreate --scale web=$((2 * replicas)) --wait web
# shellcheck disable=SC2086
docker stop $old && docker rm $old
docker compose up --detach --no-deps --no-recreate --scale web="$replicas" --wait web
docker compose up --detach --no-deps --wait worker

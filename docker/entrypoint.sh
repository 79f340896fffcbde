#!/bin/sh
# One image, several roles: dev, webserver, daemon, code-server; anything else is run as it stands.
set -eu

mkdir -p "$DAGSTER_HOME"
# An instance configuration that was mounted there is left alone.
[ -e "$DAGSTER_HOME/dagster.yaml" ] || cp /app/dagster.yaml "$DAGSTER_HOME/dagster.yaml"

role=${1:-dev}
[ $# -eq 0 ] || shift
case $role in
    dev) exec dagster dev -w /app/workspace.yaml -h 0.0.0.0 -p 3000 "$@" ;;
    webserver) exec dagster-webserver -w /app/workspace.yaml -h 0.0.0.0 -p 3000 "$@" ;;
    daemon) exec dagster-daemon run -w /app/workspace.yaml "$@" ;;
    code-server) exec dagster code-server start -m market_data.definitions -h 0.0.0.0 -p 4000 "$@" ;;
    *) exec "$role" "$@" ;;
esac

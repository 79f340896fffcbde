#!/bin/sh
# One image, one role a container: webserver, daemon, code-server, worker, or dev for all but the worker; anything
# else is run as it stands.
set -eu

# A file here whose name is a variable's (DATABENTO_API_KEY) becomes that variable, unless it is set: so a secret
# stands in no compose file, no image and no `docker inspect`.
for file in "${MARKET_DATA_SECRETS:-/run/secrets}"/*; do
    name=${file##*/}
    case $name in *[!A-Z0-9_]* | [!A-Z]*) continue ;; esac
    if [ -s "$file" ] && ! printenv "$name" >/dev/null; then
        value=$(cat "$file")
        export "$name=$value"
    fi
done

mkdir -p "$DAGSTER_HOME"
# A link, so that a new image brings its new configuration. A file of your own there is left alone.
if [ -L "$DAGSTER_HOME/dagster.yaml" ] || [ ! -e "$DAGSTER_HOME/dagster.yaml" ]; then
    ln -sfn /app/dagster.yaml "$DAGSTER_HOME/dagster.yaml"
fi

role=${1:-dev}
[ $# -eq 0 ] || shift
bind=${MARKET_DATA_BIND:-127.0.0.1}
case $role in
    dev) exec dagster dev -w /app/workspace.yaml -h "$bind" -p 3000 "$@" ;;
    webserver) exec dagster-webserver -w /app/workspace.yaml -h "$bind" -p 3000 "$@" ;;
    daemon) exec dagster-daemon run -w /app/workspace.yaml "$@" ;;
    code-server) exec dagster code-server start -m market_data.definitions -h "$bind" -p 4000 "$@" ;;
    worker) exec market-data worker --name worker "$@" ;;
    *) exec "$role" "$@" ;;
esac

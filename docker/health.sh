#!/bin/sh
# Whether the role that runs in this container does its work: 0 or 1. Without a name, the role is read off PID 1.
set -eu

role=${1:-}
if [ -z "$role" ]; then
    # With an init in front, the role's command is among its arguments all the same.
    case $(tr '\0' ' ' </proc/1/cmdline) in
        *dagster-daemon* | *" daemon"*) role=daemon ;;
        *code-server*) role=code-server ;;
        *" worker"*) role=worker ;;
        *) role=webserver ;;
    esac
fi
case $role in
    webserver | dev)
        exec python -c 'import urllib.request as r; r.urlopen("http://127.0.0.1:3000/server_info", timeout=20).read()' ;;
    code-server) exec dagster api grpc-health-check -p 4000 ;;
    daemon) entrypoint dagster-daemon liveness-check && exec entrypoint market-data health ;;
    worker)
        # Redis by the environment, which the list of processes does not show.
        exec entrypoint sh -c \
            'CELERY_BROKER_URL=$MARKET_DATA_REDIS_URL exec celery inspect ping -d "worker@$(hostname)" -t 15' ;;
    *) echo "no such role: $role" >&2 && exit 2 ;;
esac

#!/bin/sh
# Makes what is missing of the secrets and the feeds, then builds and starts it all. More words go to `up`.
set -eu
cd "$(dirname "$0")"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# The folder keeps others on this machine out; the files are open, because containers read them by other numbers.
(umask 077 && mkdir -p secrets)
make_secret() { [ -e "secrets/$1" ] || { printf '%s\n' "$2" >"secrets/$1" && chmod 644 "secrets/$1"; }; }

make_secret postgres_password "$(random)"
make_secret MARKET_DATA_POSTGRES_URL "postgresql://market_data:$(cat secrets/postgres_password)@postgres:5432/market_data"
if [ ! -e secrets/redis_conf ]; then
    password=$(random)
    make_secret MARKET_DATA_REDIS_URL "redis://:$password@redis:6379/0"
    make_secret redis_conf "requirepass $password
dir /data
appendonly yes
maxmemory-policy noeviction"
fi
# The keys of the profile `objects`; a bucket elsewhere has its own.
make_secret AWS_ACCESS_KEY_ID market-data
make_secret AWS_SECRET_ACCESS_KEY "$(random)"
make_secret objects_json "{\"identities\": [{\"name\": \"market-data\", \"actions\": [\"Admin\", \"Read\", \"Write\", \"List\", \"Tagging\"], \"credentials\": [{\"accessKey\": \"$(cat secrets/AWS_ACCESS_KEY_ID)\", \"secretKey\": \"$(cat secrets/AWS_SECRET_ACCESS_KEY)\"}]}]}"
# The vendors' keys are yours to fill in.
for name in DATABENTO_API_KEY TARDIS_API_KEY; do
    [ -e "secrets/$name" ] || { : >"secrets/$name" && chmod 644 "secrets/$name"; }
done
[ -n "${MARKET_DATA_FEEDS:-}" ] || [ -e feeds.yaml ] || cp ../../market_data/config/feeds.yaml feeds.yaml

[ "${1:-}" != prepare ] || exit 0
exec ${COMPOSE:-docker compose} up --build --detach --wait "$@"

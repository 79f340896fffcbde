#!/bin/sh
# Builds the image with whichever builder is there. More words go to it: tools/image.sh --no-cache
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
set -- --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    -t market-data:latest -t "market-data:$version" "$@" .

# Only Docker's own format knows HEALTHCHECK.
if docker info >/dev/null 2>&1; then
    exec docker build "$@"
elif command -v podman >/dev/null; then
    exec podman build --format docker "$@"
elif command -v buildah >/dev/null; then
    exec buildah bud --format docker --jobs 1 "$@"
fi
echo "image: none of docker (with its engine running), podman and buildah is here." >&2
exit 1

# syntax=docker/dockerfile:1
# One image, one role a container: webserver, daemon, code-server, worker; `dev` is all of it for a look.

# For builds that never change, name it by digest: --build-arg PYTHON=docker.io/library/python@sha256:...
ARG PYTHON=docker.io/library/python:3.11-slim-bookworm


FROM ${PYTHON} AS wheel

WORKDIR /src
RUN python -m venv /opt/build
COPY docker/build.lock ./
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes --no-deps -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY market_data market_data
RUN /opt/build/bin/hatchling build -t wheel -d /dist


FROM ${PYTHON} AS environment

# `strip` and nothing else; nothing of this stage's system gets into the image.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*

WORKDIR /src
# The packages have a layer of their own: it stays while the lock does. The lock is complete: nothing to resolve.
# The environment has no pip, so that nothing can be installed where it runs.
RUN python -m venv --without-pip /opt/venv
COPY requirements-deploy.lock docker/slim.sh ./
RUN pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes --no-deps --no-compile \
        -r requirements-deploy.lock \
    && sh slim.sh /opt/venv


FROM environment AS project

COPY --from=wheel /dist /dist
# Only what this step adds, so that the packages' layer is shared by all versions of the project.
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-index --no-deps --no-compile --root /added /dist/*.whl \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /added


FROM ${PYTHON}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="market-data" \
      org.opencontainers.image.description="Collects raw market data, keeps it verbatim and typed, builds candles, checks everything" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Bytecode is in the image: without it every run takes two to three times as long to start. None is written beside
# it, because the root file system may be read-only. The webserver and the code server listen on loopback unless
# MARKET_DATA_BIND says otherwise.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MARKET_DATA_HOME=/data \
    MARKET_DATA_SCRATCH=/data/scratch \
    DAGSTER_HOME=/data/dagster \
    DAGSTER_DISABLE_TELEMETRY=1

RUN groupadd --gid 10001 market \
    && useradd --uid 10001 --gid market --home-dir /tmp --no-create-home --shell /usr/sbin/nologin market \
    && install -d -o market -g market /data /data/dagster

COPY --from=environment /opt/venv /opt/venv
COPY --from=project /added/opt/venv /opt/venv
COPY --chmod=0755 docker/entrypoint.sh /usr/local/bin/entrypoint
COPY --chmod=0755 docker/health.sh /usr/local/bin/health
WORKDIR /app
COPY dagster.yaml workspace.yaml ./

# By number, so that an orchestrator can tell that it is not root.
USER 10001:10001
VOLUME ["/data"]
EXPOSE 3000 4000
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s --retries=3 CMD ["health"]
ENTRYPOINT ["entrypoint"]
CMD ["dev"]

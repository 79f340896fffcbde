# syntax=docker/dockerfile:1

FROM python:3.11-slim AS wheel

WORKDIR /src
COPY docker/build.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY market_data market_data
RUN hatchling build -t wheel -d /dist


FROM python:3.11-slim AS environment

WORKDIR /src
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# The packages have a layer of their own: it stays while the lock does. The lock is complete: nothing to resolve.
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps --compile -r requirements.lock
COPY --from=wheel /dist /dist
RUN pip install --no-cache-dir --no-index --no-deps --compile /dist/*.whl


FROM python:3.11-slim

# Bytecode is compiled above: without it every run takes two to three times as long to start.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MARKET_DATA_HOME=/data \
    DAGSTER_HOME=/data/dagster

RUN groupadd --gid 10001 market \
    && useradd --uid 10001 --gid market --home-dir /app --no-create-home --shell /usr/sbin/nologin market \
    && install -d -o market -g market /data /data/dagster

COPY --from=environment /opt/venv /opt/venv
COPY docker/entrypoint.sh /usr/local/bin/entrypoint
WORKDIR /app
COPY dagster.yaml workspace.yaml ./

# By number, so that an orchestrator can tell that it is not root.
USER 10001:10001
VOLUME ["/data"]
EXPOSE 3000
ENTRYPOINT ["entrypoint"]
CMD ["dev"]

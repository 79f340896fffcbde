#!/bin/sh
# Makes an environment fit for an image: what is never run is left out, then all is compiled. 1.1 GB become 0.7.
set -eu
environment=$1
cd "$environment"/lib/python3.*/site-packages

# Tests, sources of extensions, stubs, the maps of the web interface's scripts.
find . -type d -name tests -prune -exec rm -rf {} +
find . -type f \( -name '*.map' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.a' -o -name '*.h' \) -delete
# Twins of what is used: clients for asyncio, a second backend, an RPC server.
rm -rf kubernetes/aio ccxt/async_support ccxt/pro ccxt/test zstandard/_cffi.* \
    pyarrow/_flight.* pyarrow/libarrow_flight.* pyarrow/libarrow_python_flight.* pyarrow/_s3fs.* pyarrow/libarrow_s3.*
# What boto3 is asked for: buckets, and all that leads to credentials.
find botocore/data boto3/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name sso ! -name sso-oidc -exec rm -rf {} +

# Symbols for debuggers. What auditwheel put into *.libs was moved about by patchelf, and strip may break that.
find . -type f -name '*.so*' ! -path './*.libs/*' -exec strip --strip-unneeded {} +

# By hash and unchecked, so that it counts whatever time a layer gives the files, and is the same in every build.
# Of code that was generated, by the thousand, the bytecode alone.
compile() { "$environment"/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash "$@"; }
for generated in ccxt kubernetes/client; do
    compile -b "$generated"
    find "$generated" -name '*.py' -delete
done
compile .

# What is missed is missed here, and not where it runs.
"$environment"/bin/python -W ignore -c '
import importlib
for name in """alembic.command apprise ccxt dagster._cli dagster._daemon dagster_celery.app dagster_celery.launcher dagster_duckdb dagster_graphql
dagster_k8s.launcher dagster_postgres dagster_webserver dataframely databento duckdb exchange_calendars numpy.testing obstore pandas polars
pyarrow.compute pyarrow.csv pyarrow.dataset pyarrow.fs pyarrow.parquet pyarrow.substrait uvloop zstandard""".split():
    importlib.import_module(name)
import boto3, ccxt
for service in ("s3", "sts"):
    boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
for exchange in ("binance", "coinbase", "kraken"):
    getattr(ccxt, exchange)()
'

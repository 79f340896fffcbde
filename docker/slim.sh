#!/bin/sh
# Makes an environment fit for an image: what is never run is left out, then all is compiled. 1.1 GB become 0.7.
set -eu
environment=$1
cd "$environment"/lib/python3.*/site-packages

# Tests, sources of extensions, the maps of the web interface's scripts.
find . -type d -name tests -prune -exec rm -rf {} +
find . -type f \( -name '*.map' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' -o -name '*.h' \) -delete
# Twins of what is used: clients for asyncio, a second backend, an RPC server.
rm -rf kubernetes/aio ccxt/async_support ccxt/pro ccxt/test zstandard/_cffi.* \
    pyarrow/_flight.* pyarrow/libarrow_flight.* pyarrow/libarrow_python_flight.*

# Symbols for debuggers. What auditwheel put into *.libs was moved about by patchelf, and strip may break that.
find . -type f -name '*.so*' ! -path './*.libs/*' -exec strip --strip-unneeded {} +

# By hash and unchecked, so that it counts whatever time a layer gives the files, and is the same in every build.
"$environment"/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash .

# What is missed is missed here, and not where it runs.
"$environment"/bin/python -W ignore -c '
import importlib
for name in """ccxt dagster._cli dagster._daemon dagster_celery.app dagster_celery.launcher dagster_duckdb dagster_graphql
dagster_k8s.launcher dagster_postgres dagster_webserver dataframely databento duckdb exchange_calendars numpy.testing pandas polars
pyarrow.compute pyarrow.csv pyarrow.dataset pyarrow.fs pyarrow.parquet pyarrow.substrait uvloop zstandard""".split():
    importlib.import_module(name)
'

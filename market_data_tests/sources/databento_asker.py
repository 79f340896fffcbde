"""A process of its own that asks a loopback Databento: `python -m ... GATEWAY CA_FILE SHARED TIMES`, begun by a line.

It says `ready` when it is, so that its start is not taken for patience.
"""

import sys
from pathlib import Path

from market_data.sources.databento.client import Client
from market_data.sources.databento.options import DatabentoOptions
from market_data.sources.databento.query import Query
from market_data.sources.databento.rate_limits import Rates
from market_data.sources.databento.session import Session
from market_data.vendor_access.rate_limits import Rate
from market_data_tests.sources.databento_case import DAY, QUICK, SYMBOL

RATE = Rate(4, 0.5)


def main(gateway: str, ca_file: str, shared: str, times: int) -> None:
    options = DatabentoOptions(dataset="GLBX.MDP3", gateway=gateway, ca_file=Path(ca_file))
    session = Session(Client(options, QUICK, Rates(metadata=RATE), Path(shared)))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(times):
        session.records(Query("GLBX.MDP3", "trades", "raw_symbol", SYMBOL, DAY))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

"""How fast Databento may be asked, and how long a job of its is waited for. Light: it is imported at every start.

The rates are the vendor's (databento.com/docs, "Rate limits"). Its 100 symbology requests a second and 20 lists of jobs
a second are kept together with the metadata requests: they are few.
"""

from dataclasses import dataclass

from market_data.vendor_access.rate_limits import Rate

_TIMESERIES, _METADATA, _SUBMISSIONS = Rate(100, 1.0), Rate(20, 1.0), Rate(20, 60.0)


@dataclass(frozen=True, slots=True)
class Rates:
    """At most so many requests of a kind in so many seconds, by all processes of a home together.

    Attributes:
        timeseries: of streams.
        metadata: of everything that is free: metadata, symbology, and jobs.
        submissions: of jobs that are ordered.
    """

    timeseries: Rate = _TIMESERIES
    metadata: Rate = _METADATA
    submissions: Rate = _SUBMISSIONS


@dataclass(frozen=True, slots=True)
class Polling:
    """How a job is waited for.

    Attributes:
        first_wait_seconds: before it is looked at again; each later wait is twice as long.
        longest_wait_seconds: but no longer than this.
        give_up_seconds: of waiting, after which the fetch fails; the next one goes on with the same job.
    """

    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    give_up_seconds: float = 6 * 3_600.0

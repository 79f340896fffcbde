"""One tree of errors, and with it the answer to "shall we try again?". No handling here, only the kinds.

MarketDataError
├── ConfigurationError        the user's files or words are wrong: mend them (exit code 2)
├── Transient                 the same call may succeed later
│   ├── VendorUnavailable     time-outs, resets, 429 and 5xx that outlasted the retries
│   ├── DamagedDownload       cut short, or its checksum does not match: what came was removed
│   ├── NotYetAvailable       the vendor has not published that day yet
│   ├── PartitionBusy         another process is replacing the same partition
│   ├── DatabaseUnavailable   the server of the ledger's or of Dagster's database did not answer, or broke off
│   └── StorageTrouble        the disk is full, read-only, gone, or not ours to write
└── Permanent                 trying again changes nothing
    ├── NotAvailable          the vendor has no such symbol, or nothing for that day
    ├── UnclearSymbol         a symbol stands for nothing, or for several where one is meant
    ├── VendorRefused         the vendor says no: 401, 403, 422
    ├── OverBudget            it would cost more than the feed may spend: nothing was bought
    ├── BadFile               a file that is not what it claims: no zip, a bomb, a member that escapes its folder
    ├── MissingInput          a partition that this one is made of does not exist
    ├── WarehouseDamaged      a file and its ledger row disagree
    └── LedgerUnfit           the ledger's schema is none that this code knows: a newer one made it
"""

import errno
import os


class MarketDataError(Exception):
    """Base of every error this project raises on purpose; its text is a plain sentence for the user."""


class ConfigurationError(MarketDataError):
    """A file, an argument or an environment variable is wrong; the text names it and says what was expected."""


class Transient(MarketDataError):
    """The same call may succeed later."""


class VendorUnavailable(Transient):
    """The vendor did not answer properly, however often it was asked."""


class DamagedDownload(Transient):
    """What came is shorter than announced or has another checksum; nothing of it was kept."""


class NotYetAvailable(Transient):
    """The vendor has not published that day yet."""


class PartitionBusy(Transient):
    """Another live process has claimed the next revision of the same partition."""


class DatabaseUnavailable(Transient):
    """A database server did not answer, or broke off; the text says which, in which words, and what to do."""


class StorageTrouble(Transient):
    """The file system said no; the text carries its words and the path."""


class Permanent(MarketDataError):
    """Trying again changes nothing."""


class NotAvailable(Permanent):
    """The vendor has no such symbol, or nothing for that day."""


class UnclearSymbol(Permanent):
    """A symbol stands for no instrument that day, or for several where one is meant; the text names it."""


class VendorRefused(Permanent):
    """The vendor refuses the request itself: credentials, entitlement, or its form."""


class OverBudget(Permanent):
    """What was asked for costs more than the feed's budget; nothing was downloaded. The text says how to allow it."""


class BadFile(Permanent):
    """A file is not what it claims to be; it was not used, and what was there before is untouched."""


class MissingInput(Permanent):
    """A partition that this one is made of does not exist yet; the text says how to make it."""


class WarehouseDamaged(Permanent):
    """A file of the warehouse and its ledger row disagree."""


class LedgerUnfit(Permanent):
    """The ledger's schema is of a version that this code does not know; it was left as it is."""


MAKE_ROOM = "make room there and run the same again: what is done is not made again"
LET_WRITE = "what is there can be read; let it be written again (`mount -o remount,rw`), and run the same again"
_WHAT_TO_DO = {
    errno.ENOSPC: MAKE_ROOM,
    errno.EDQUOT: f"raise the quota, or {MAKE_ROOM}",
    errno.EROFS: LET_WRITE,
    errno.EACCES: "let this user write there",
    errno.EPERM: "let this user write there",
    errno.EIO: "look at the disk, and at the kernel's messages",
    errno.ESTALE: "mount the shared folder anew",
    errno.EMFILE: "let this user open more files (`ulimit -n`)",
}


def ours(error: MarketDataError | OSError) -> MarketDataError:
    """Return the error itself, or what the file system said as one of this tree, with what to do about it."""
    if isinstance(error, MarketDataError):
        return error
    # pyarrow's have the number, and neither the file nor the system's words.
    words = os.strerror(error.errno) if error.errno in _WHAT_TO_DO else error.strerror or str(error)
    told = f"{error.filename or 'the disk of the home (MARKET_DATA_HOME)'}: {words}"
    return StorageTrouble("; ".join(filter(None, (told, _WHAT_TO_DO.get(error.errno or 0)))))


def is_transient(error: BaseException) -> bool:
    """Return whether the same call may succeed later.

    Anything that is not of this tree is a bug, and is not retried.
    """
    return isinstance(error, Transient)

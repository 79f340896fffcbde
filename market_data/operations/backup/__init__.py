"""A copy of all that the platform knows, in a folder, and the way back, to a home and a ledger of any kind.

A backup is a folder: `files/<two digits>/<sha256>` are the bytes, the ledger's among them, and `backup.json`, which is
renamed into place last, names the ledger that counts. What is common to both ways stands in `folder`; `make` writes a
backup, `restore` reads one.
"""

from market_data.operations.backup.folder import Backup
from market_data.operations.backup.make import Made, Options, back_up
from market_data.operations.backup.restore import described, restore, torn

__all__ = ["Backup", "Made", "Options", "back_up", "described", "restore", "torn"]

"""What is kept, in PostgreSQL: an embedded one by default, any by URL.

    with Store.open(settings) as store:
        with store.transaction() as db:     # commits at the end, rolls back on an exception
            kept = assessments.current(db, "general", "p1")

Every other module of this folder is a noun of the field with functions on such a connection, so
that what belongs
together is kept together, in one transaction.
"""

from integration.store.database.connection import Db, Hold, Store
from integration.store.database.failing import DiskFull, NoDescriptors, StoreUnavailable

__all__ = ["Db", "DiskFull", "Hold", "NoDescriptors", "Store", "StoreUnavailable"]

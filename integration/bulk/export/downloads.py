"""The files of a list, several at a time.

Held by tests/contract/export/test_export_files.py.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from msgspec import Struct

from integration.bulk.export.files import Fetcher
from integration.bulk.export.manifest import ListedFile
from integration.bulk.export.pausing import Pause
from integration.ehr.transport.downloading import Downloading
from integration.ehr.transport.http import Transport


class WantedFile(Struct, frozen=True):
    """A file, where it grows, and where it comes to lie when it is whole."""

    file: ListedFile
    unfinished: Path
    path: Path

    @property
    def is_here(self) -> bool:
        return self.path.exists() or self.path.with_name(f"{self.path.name}.gz").exists()


def download(
    transport: Transport,
    wanted: Iterable[WantedFile],
    needs_token: bool,
    pause: Pause,
    step: Callable[[WantedFile, str | None], None],
) -> None:
    """STEP is told each file that has come, and what is wrong with its contents. The first trouble
    that does not pass ends it: what has come by then goes on another time."""
    limits, site = transport.site.limits, transport.site.name
    with Downloading(transport) as downloading:
        fetcher = Fetcher(site, downloading, needs_token, pause)
        with ThreadPoolExecutor(limits.connections - 1) as pool:
            tasks = {
                pool.submit(
                    fetcher.fetch, download.file, download.unfinished, download.path
                ): download
                for download in wanted
            }
            try:
                for task in as_completed(tasks):
                    step(tasks[task], task.result())
            except BaseException:
                fetcher.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

"""Finished packages by NDC: as listed, else by labeler and product, which fix the container.

Held by tests/unit/test_products.py.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import structs

from mappings.codes.tables import Package

# Labeler (5) and product (4) of an 11-digit NDC; the last two digits only say how many in a box.
_PRODUCT = 9


class FinishedPackages(Mapping[str, Package]):
    """Packages by 11-digit NDC. An NDC that is not listed has the container of the listed packages
    of the same labeler and product, where these agree; then it is not verified."""

    def __init__(self, rows: Iterable[Package]) -> None:
        self._listed = {row.ndc: row for row in rows}
        self._of_product: dict[str, list[Package]] = {}
        for row in self._listed.values():
            self._of_product.setdefault(row.ndc[:_PRODUCT], []).append(row)

    def __getitem__(self, ndc: str) -> Package:
        listed = self._listed.get(ndc)
        return listed if listed is not None else self._by_product(ndc)

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def lists(self, ndc: str) -> bool:
        """Whether the package itself is listed, not only its labeler and product."""
        return ndc in self._listed

    def _by_product(self, ndc: str) -> Package:
        alike = self._of_product.get(ndc[:_PRODUCT], [])
        if len(ndc) != _PRODUCT + 2 or len({(row.family, row.mg, row.ml) for row in alike}) != 1:
            raise KeyError(ndc)
        starts = [row.start for row in alike if row.start]
        return structs.replace(
            alike[0],
            ndc=ndc,
            start=min(starts) if len(starts) == len(alike) else None,
            end=None,
            source=f"labeler and product as of NDC {alike[0].ndc} ({alike[0].source})",
            verified=False,
        )

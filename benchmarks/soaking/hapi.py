"""A real HAPI, in the place of our fake EHR."""

from typing import Any

import requests


class Hapi:
    """A real HAPI, with the part of the fake EHR that a morning asks for."""

    def __init__(self, base_url: str) -> None:
        self.base_url, self.requests = base_url, ()
        self._people: list[str] = []

    def load(self, resources: list[dict[str, Any]]) -> None:
        entries = [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in resources
        ]
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        requests.post(self.base_url, json=body, timeout=120).raise_for_status()
        self._people = [
            resource["id"] for resource in resources if resource["resourceType"] == "Patient"
        ]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Those of the patients of this morning."""
        found = []
        for person in self._people:
            address = f"{self.base_url}/{kind}?patient={person}&_count=200"
            answer = requests.get(address, headers={"Cache-Control": "no-cache"}, timeout=60)
            answer.raise_for_status()
            found += [entry["resource"] for entry in answer.json().get("entry", [])]
        return found

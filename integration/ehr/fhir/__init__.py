"""FHIR as a server speaks it: answers, bundles, references, searches."""

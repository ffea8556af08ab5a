"""Maps a patient's record to claim lines for intravenous iron and to the gaps that would have them
denied.

Pure: no network, no clock, no environment. `read` turns FHIR resources into records, `assess`
decides.
"""

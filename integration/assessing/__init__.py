"""From a patient as an EHR holds them to their assessment: for the pages, CDS Hooks and the worker
alike."""

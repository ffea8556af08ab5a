"""Everything that moves: EHRs, triggers, work, storage, pages and the command line."""

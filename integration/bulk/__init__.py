"""A whole population in bounded memory: survey → sift → gather → look up → assess → report, each
over a range of a file or a part of the patients, around the same pure function."""

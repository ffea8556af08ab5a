"""The commands of `ferroclaim`, one file for each group."""

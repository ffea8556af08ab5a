"""YAML data files, read into frozen structures."""

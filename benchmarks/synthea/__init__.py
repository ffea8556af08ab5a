"""A population of Synthea's (MITRE, Apache-2.0), with a module of our own that gives iron."""

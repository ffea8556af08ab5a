"""What has the pieces of a run made: processes of this machine, or a cluster."""

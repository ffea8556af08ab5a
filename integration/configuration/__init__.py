"""What a site and the service are told to do."""

"""What answers over HTTP: hooks, pages, services, health."""

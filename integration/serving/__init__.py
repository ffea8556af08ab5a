"""What assembles: the app, the worker, its tasks, the process."""

"""Resources and Bundles as text, opened where somebody asks what they say."""

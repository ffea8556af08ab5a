"""What Bundles, files and servers bring: resources as text, opened where somebody asks what they
say; the newest versions, references, and whose each is."""

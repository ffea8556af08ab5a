"""A site's own code tables: their folder, published files, and what an import writes."""

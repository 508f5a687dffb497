"""Images as a graph: which are like which, and what labels tell of those that have none."""

"""Making evidence: of a tree in which the pipeline has run, or of a folder somebody else wrote."""

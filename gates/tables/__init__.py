"""Tables of evidence, read column by column from Parquet."""

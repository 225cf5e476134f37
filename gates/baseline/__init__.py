"""The evidence that a candidate is compared with: found, fetched or made again."""

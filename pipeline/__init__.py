"""The reference project: predicts from the US census who earns more than 50,000 dollars a year."""

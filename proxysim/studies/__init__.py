"""Questions asked across many runs: which is better, how it changes, how much it takes."""

"""What runs tell, and how sure it is: intervals, warm-up, quantiles, comparisons of arrays."""

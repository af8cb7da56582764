"""The lasso in its plain form, and the solver of samples that a search could not finish."""

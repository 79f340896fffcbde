"""A generated week, and defects planted at known places in it: what each check must find, and nothing else."""

"""Mix channels with 1×1 kernels, build the module, measure what auxiliary heads do."""

"""Mix depth with 1×1, build the module, measure what auxiliary heads do."""

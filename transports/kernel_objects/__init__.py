"""Names, keys and owners of kernel objects, and the removal of what is left of them."""

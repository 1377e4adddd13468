"""Proofs: the bundles' tests, what they recorded, and what their apps answered."""

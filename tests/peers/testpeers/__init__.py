"""Generated kustomizations, and what the real kustomize makes of them."""

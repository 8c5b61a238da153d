"""Container engines and registries, and Trivy on their images."""

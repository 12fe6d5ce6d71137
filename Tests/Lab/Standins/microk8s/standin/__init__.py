"""Stand-in for the MicroK8s snap in the lab: real Kubernetes programs behind MicroK8s' contract."""

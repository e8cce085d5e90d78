"""What our two stand-in servers share: faults on demand, counts, and how they are served."""

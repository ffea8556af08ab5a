"""What wakes an assessment: notifications, subscriptions, sweeps."""

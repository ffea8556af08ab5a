"""What the chart must say of the patient."""

"""What charts say of dialysis and end-stage renal disease, by codes and by words."""

"""What a payer is asked before it authorizes an iron: the request, the facts that it rests on, and
Da Vinci PAS's form of it."""

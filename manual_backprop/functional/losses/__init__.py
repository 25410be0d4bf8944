"""From predictions and targets to the number that training makes small."""

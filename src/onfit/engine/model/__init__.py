"""What people hold: `Model`, `Sequential`, functional models, wrapped torch modules."""

"""How callbacks judge a quantity: what it is, whether it gets better, and where they decide."""

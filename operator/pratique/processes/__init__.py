"""The processes: what each is made of, and the order in which it starts and stops. Only `main` imports them."""

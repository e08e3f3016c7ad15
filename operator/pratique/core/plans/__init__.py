"""What a plan says: its objects, what they change, its lines for people, and its fingerprint."""

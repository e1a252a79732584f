"""Stand-ins for services of others: processes of their own that the product cannot tell apart."""

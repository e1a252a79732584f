"""What the carrier of our texts calls: signed, without a cookie, and told nothing back."""

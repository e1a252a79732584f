"""Turns a picture into a vector, so that pictures which look alike lie close together."""

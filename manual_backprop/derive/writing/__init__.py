"""A program as text: Python with torch, Python with NumPy, and mathematics."""

"""The paper for other people's tools, and what they changed brought back."""

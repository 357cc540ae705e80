"""Real servers, and servers that misbehave, for the tests."""

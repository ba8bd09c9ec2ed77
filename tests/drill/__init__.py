"""The drill: a machine of its own, broken on purpose again and again (deploy/drill.md, `make drill`)."""

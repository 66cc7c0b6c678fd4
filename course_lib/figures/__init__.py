"""How the course draws: pictures and maps, curves, diagrams of networks and of relevance."""

"""The plan of a sweep: profiles, placements, cells."""

"""Large payloads with one copy or none: memory, or its address, is passed instead of bytes."""

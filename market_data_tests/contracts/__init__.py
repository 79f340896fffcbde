"""Cases that every plug-in of a port passes, present and future."""

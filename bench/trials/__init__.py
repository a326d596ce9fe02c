"""Statistics over many staged walk-ups, faster than in real time: a whole kiosk in this process whose clock goes by frames."""

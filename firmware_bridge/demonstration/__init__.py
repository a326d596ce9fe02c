"""Bluetooth without a radio: a virtual link, and `org.bluez` on it, for the demonstration and the tests. No part of a kiosk."""

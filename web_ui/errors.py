"""What can go wrong in the web UI's own house."""

from __future__ import annotations

from device.errors import DeviceError


class WebError(DeviceError):
    """The web UI cannot do what was asked; the message says what failed, why and what to do."""


class StoreError(WebError):
    """The web UI's own database cannot be used."""


class CertificateError(WebError):
    """The certificate that browsers should see cannot be used."""


class RoleMissing(WebError):
    """A page says for nobody who may open it; the application does not start."""

"""The kiosk daemon's answers on its unix sockets: one small application for each kind of caller.

Answers hold no picture and no template.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from device import (
    config,
    corrections,
    database,
    downlink,
    enrolment,
    journal,
    membership,
    messages,
    outlet,
    people,
    register,
    templates,
    tls_files,
)
from device.api import client, selftest, serving, upgrades
from device.api.serving import MOST_BODY_BYTES as MOST_BODY_BYTES
from device.api.serving import MOST_PATH_BYTES as MOST_PATH_BYTES
from device.api.serving import MOST_WAIT_S as MOST_WAIT_S
from device.api.serving import ListenError as ListenError
from device.api.serving import Refusals
from device.api.serving import Route as Route
from device.api.serving import Serving as Serving
from device.api.serving import is_loopback as is_loopback
from device.api.serving import is_ours as is_ours
from device.api.serving import json_fields as json_fields
from device.api.serving import listen as listen
from device.api.serving import number_argument as number_argument
from device.api.serving import optional_field as optional_field
from device.api.serving import said_or as said_or
from device.api.serving import serve as serve
from device.api.serving import wait as wait
from device.backups.sealed import BackupRefused
from device.locks import errors as locks

REFUSALS: Refusals = (
    (people.PersonUnknown, 404),
    (people.ConsentMissing, 409),
    (people.PeopleError, 422),
    (enrolment.EnrolmentRefused, 422),
    (journal.AcknowledgementRefused, 409),
    (journal.JournalError, 409),
    (downlink.DesiredRefused, 409),
    (corrections.CorrectionRefused, 409),
    (register.ListGone, 409),
    (messages.MessageError, 422),
    (templates.TemplateError, 409),
    (database.StorageError, 507),
    (config.ConfigError, 422),
    (locks.LockNotEnrolled, 404),
    (locks.GrantUnknown, 404),
    (locks.VisitUnknown, 404),
    (locks.NotVerified, 409),
    (locks.LogRefused, 409),
    (locks.LocksError, 422),
    (selftest.SelfTestRefused, 409),
    (BackupRefused, 422),
    (upgrades.ReleaseRefused, 422),
    (tls_files.JoinRefused, 409),
    (membership.TrustError, 409),
    (outlet.OutletError, 409),
    (client.KioskAway, 503),
    (client.KioskRefused, 409),
)


def application(name: str, routes: tuple[Route, ...], belongs: Callable[[str], bool] = serving.is_ours) -> Flask:
    """A Flask application that answers exactly these routes."""
    return serving.application(name, routes, REFUSALS, belongs)

"""Who may clock in here, what they agreed to, their sealed templates, and their ways without a face."""

from device.people.consents import Agreement as Agreement
from device.people.credentials import Checked as Checked
from device.people.credentials import Credentials as Credentials
from device.people.credentials import Verdict as Verdict
from device.people.directory import Directory as Directory
from device.people.directory import Opened as Opened
from device.people.errors import CodeRefused as CodeRefused
from device.people.errors import ConsentMissing as ConsentMissing
from device.people.errors import ImportRefused as ImportRefused
from device.people.errors import NumberTaken as NumberTaken
from device.people.errors import PeopleError as PeopleError
from device.people.errors import PersonErased as PersonErased
from device.people.errors import PersonUnknown as PersonUnknown
from device.people.errors import PinRefused as PinRefused
from device.people.measurements import SiteMeasurement as SiteMeasurement
from device.people.person import Person as Person
from device.people.roll import Roll as Roll
from device.people.roster import Act as Act
from device.people.roster import Entry as Entry
from device.people.roster import Step as Step

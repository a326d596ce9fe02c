"""What the other daemons and the command line may ask of the kiosk daemon, and the clients that ask it over its unix sockets.

One socket for each kind of caller; who may open the file is the permission. No picture and no template is in any answer.
"""

from device.api.admin import ADMIN_SOCKET as ADMIN_SOCKET
from device.api.admin import AdminClient as AdminClient
from device.api.admin import Office as Office
from device.api.answers import Amendment as Amendment
from device.api.answers import CardIssued as CardIssued
from device.api.answers import ClaimTaken as ClaimTaken
from device.api.answers import ConsentText as ConsentText
from device.api.answers import Corrected as Corrected
from device.api.answers import Cursor as Cursor
from device.api.answers import Decision as Decision
from device.api.answers import DesiredTaken as DesiredTaken
from device.api.answers import Enrolled as Enrolled
from device.api.answers import Outgoing as Outgoing
from device.api.answers import Person as Person
from device.api.answers import RateAt as RateAt
from device.api.answers import SiteEvaluated as SiteEvaluated
from device.api.answers import Status as Status
from device.api.answers import Verified as Verified
from device.api.answers import WebNotice as WebNotice
from device.api.client import HOST as HOST
from device.api.client import Client as Client
from device.api.client import KioskAway as KioskAway
from device.api.client import KioskError as KioskError
from device.api.client import KioskRefused as KioskRefused
from device.api.people import CodeIssued as CodeIssued
from device.api.people import ConsentVersion as ConsentVersion
from device.api.people import Erased as Erased
from device.api.people import Eraser as Eraser
from device.api.people import Keeper as Keeper
from device.api.people import ListReport as ListReport
from device.api.people import ListStep as ListStep
from device.api.people import OwnAffairs as OwnAffairs
from device.api.people import OwnConsent as OwnConsent
from device.api.people import OwnPunch as OwnPunch
from device.api.people import PeopleClient as PeopleClient
from device.api.people import Personnel as Personnel
from device.api.people import PhoneIssued as PhoneIssued
from device.api.people import PinSet as PinSet
from device.api.people import Purged as Purged
from device.api.people import PurgedItem as PurgedItem
from device.api.uplink import UPLINK_SOCKET as UPLINK_SOCKET
from device.api.uplink import UplinkClient as UplinkClient
from device.api.web import WEB_SOCKET as WEB_SOCKET
from device.api.web import CodeChecked as CodeChecked
from device.api.web import Done as Done
from device.api.web import Machine as Machine
from device.api.web import PeoplePage as PeoplePage
from device.api.web import Presence as Presence
from device.api.web import PunchPage as PunchPage
from device.api.web import PunchRow as PunchRow
from device.api.web import SettingsChanged as SettingsChanged
from device.api.web import SettingShown as SettingShown
from device.api.web import WebClient as WebClient

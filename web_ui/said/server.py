"""The words for `device.sentences.server`."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

WORDS = {
    # A self-test of the way to the server: what was found
    "test.certificate_unusable": _("this kiosk's certificate cannot be used (%(why)s)"),
    "test.not_good_before": _("not good before %(day)s; %(clock)s; dates are not judged until the time is known"),
    "test.ran_out": _("ran out on %(day)s; %(clock)s"),
    "test.good_for": _("good for %(days)s days"),
    "test.name_unknown": _("%(host)s is not known (%(why)s)"),
    "test.name_is": _("%(host)s is %(addresses)s"),
    "test.port_answers": _("port %(port)s answers"),
    "test.tls_good": _("%(version)s, and the authority vouches for the broker"),
    "test.broker_not_yet": _("the broker's certificate is not good yet; %(clock)s"),
    "test.broker_ran_out": _("the broker's certificate has run out; %(clock)s"),
    "test.broker_name": _("the broker's certificate is for another name than %(host)s"),
    "test.broker_authority": _("the broker's certificate is not from our authority (%(why)s)"),
    "test.clock_never_set": _("but this kiosk's clock stands at %(day)s, which cannot be"),
    "test.clock_sure": _("this kiosk's clock says %(day)s, disciplined"),
    "test.clock_unsure": _("this kiosk's clock says %(day)s, and nobody disciplines it"),
    "test.known": _("the broker knows %(device)s"),
    "test.not_let_in": _("the broker does not let %(device)s in: %(why)s"),
    "test.no_answer_within": _("no answer within %(seconds)s s"),
    "test.rights_good": _("it may read and write what is its own"),
    "test.rights_refused": _("the broker refuses its own topics: %(why)s"),
    "test.signed": _("the server has signed for every record up to %(seq)s"),
    "test.not_believed": _("an answer came, and is not believed: %(why)s"),
    "test.silent": _("the server does not answer"),
    # The same: what to do
    "remedy.join_or_copy": _("join the enterprise again, or copy the files that it gave you"),
    "remedy.clock_or_server": _("set the clock, or let the server tell the time"),
    "remedy.join": _("join again"),
    "remedy.clock_or_join": _("set the clock; if that is right, join again"),
    "remedy.renewed": _("the uplink renews it, if uplink.renew_url is set"),
    "remedy.host": _("check uplink.host and the name service"),
    "remedy.cable": _("check cable, network, firewall and uplink.port"),
    "remedy.tls_port": _("is uplink.port the broker's TLS port?"),
    "remedy.broker_renewal": _("have the broker's certificate renewed"),
    "remedy.clock_or_renewal": _("set the clock; if that is right, the broker's needs renewal"),
    "remedy.broker_name": _("write in uplink.host the name that stands in its certificate"),
    "remedy.authority": _("this is another broker, or another authority: compare uplink.ca with the enterprise's"),
    "remedy.again": _("try again"),
    "remedy.revoked": _("our certificate must come from the broker's authority and bear this kiosk's name; was it revoked?"),
    "remedy.access": _("check the broker's access list for this kiosk's name"),
    "remedy.server_key": _("compare uplink.server_key with the enterprise's, or join again"),
    "remedy.ingester": _("is the ingester running, and is this kiosk trusted there? daka-enterprise show alarms"),
    # The connection to the broker
    "broker.not_vouched": _("the broker at %(where)s shows a certificate that uplink.ca does not vouch for: %(why)s"),
    "broker.no_tls": _(
        "no TLS with %(where)s (%(why)s); is this the broker's TLS port, and is our certificate from its authority?"
    ),
    "broker.name": _("the name %(host)s is not known; check uplink.host and the name service"),
    "broker.nobody": _("nobody listens at %(where)s; is the broker running?"),
    "broker.silent": _("%(where)s does not answer; check cable, network and firewall"),
    "broker.unreachable": _("%(where)s is not to be reached: %(why)s"),
    "broker.ca": _("uplink.ca: %(path)s is not a readable certificate (PEM)"),
    "broker.ca_none": _("uplink.ca: no file named is not a readable certificate (PEM)"),
    # The server's share, without which no template can be read
    "unlock.waits": _("faces are not recognised until the enterprise's server has unlocked this kiosk"),
    "unlock.waits_because": _("faces are not recognised until the enterprise's server has unlocked this kiosk (%(why)s)"),
    "unlock.certificate": _("the kiosk's certificate cannot be used (%(why)s); join again"),
    "unlock.no_answer": _("%(url)s does not answer (%(why)s)"),
    "unlock.no_share": _("the server hands no share out: %(why)s"),
    "unlock.not_asked": _("no share was asked for"),
    "unlock.not_for_us": _(
        "the server's answer is not for this kiosk, or is not signed by it; compare uplink.server_key with the enterprise's"
    ),
    "unlock.other_share": _("the server's share opens no template: another one than they were locked with"),
    # Joining an enterprise
    "join.no_service": _(
        "the enterprise's join service does not answer as it should (%(why)s); check the network, the address in the "
        "invitation, and this kiosk's clock"
    ),
    "join.nobody": _("nobody answers at %(url)s (%(why)s); check network and address"),
    "join.somebody_else": _("who answers at %(url)s is not the enterprise of the invitation; nothing was sent to them"),
    "join.no": _("the enterprise says no: %(why)s"),
    "join.answered": _("the enterprise's join service answered %(status)s"),
    "join.not_confirmed": _("nobody has confirmed the code within a day; have a new invitation made"),
    "join.for_another": _(
        "the invitation is for %(invited)s, and this kiosk is %(device)s; set device.id before its first start, or have an "
        "invitation made for it"
    ),
    "join.authority": _("the certificate does not come from the authority that was sent with it"),
    "join.other_key": _("the certificate is for another kiosk, or for another key than the one made here"),
    "join.about_to_restart": _("the kiosk is about to restart with another enterprise, or with none; try again in a moment"),
    "join.set_by_hand": _("%(setting)s stands in %(path)s and would go first; take it out there: joining brings it"),
    "join.no_address": _("this invitation names no address: write the request to a file, with --request FILE"),
    "join.whose_unknown": _(
        "which enterprise this kiosk belongs to cannot be read any more, until a backup is restored with its keys, or it is "
        "joined again: daka join --replace, which destroys every template first"
    ),
    "join.belongs": _("this kiosk belongs to another enterprise; --replace leaves it and destroys every template first"),
    "join.no_request": _("no request of this kiosk waits for an answer; begin with: daka join INVITATION"),
    "join.none": _("this kiosk has joined no enterprise"),
    "join.not_waited_for": _("that request is not waited for any more"),
    "join.joined": _("this kiosk has joined an enterprise; on its own command line: sudo daka leave, or sudo daka join"),
    "join.wrong_code": _("this is not the code on the kiosk's screen; the next try counts in %(seconds)s s"),
    "join.not_believed": _(
        "the enterprise's answer is not believed: it is damaged, for another kiosk, or not signed by the root of the "
        "invitation; have a new invitation made"
    ),
    "join.not_written": _("%(path)s cannot be written (%(why)s); free some room, or check the disk"),
    "outlet.no_host": _("%(host)s is neither a host's name nor an address; have an invitation made with one"),
    "outlet.pinned": _(
        "this machine reaches only %(held)s, and not %(host)s; only root changes that: sudo daka join, or sudo daka leave before it"
    ),
    "broker.pair": _(
        "uplink.certificate, uplink.key: %(certificate)s and %(key)s are not a readable pair of certificate and key (PEM)"
    ),
}

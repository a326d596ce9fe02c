"""What is said of the way to the enterprise: the self-test, the broker, the share, joining."""

from __future__ import annotations

ENGLISH = {
    # A self-test of the way to the server: what was found
    "test.certificate_unusable": "this kiosk's certificate cannot be used ({why})",
    "test.not_good_before": "not good before {day}; {clock}; dates are not judged until the time is known",
    "test.ran_out": "ran out on {day}; {clock}",
    "test.good_for": "good for {days} days",
    "test.name_unknown": "{host} is not known ({why})",
    "test.name_is": "{host} is {addresses}",
    "test.port_answers": "port {port} answers",
    "test.tls_good": "{version}, and the authority vouches for the broker",
    "test.broker_not_yet": "the broker's certificate is not good yet; {clock}",
    "test.broker_ran_out": "the broker's certificate has run out; {clock}",
    "test.broker_name": "the broker's certificate is for another name than {host}",
    "test.broker_authority": "the broker's certificate is not from our authority ({why})",
    "test.clock_never_set": "but this kiosk's clock stands at {day}, which cannot be",
    "test.clock_sure": "this kiosk's clock says {day}, disciplined",
    "test.clock_unsure": "this kiosk's clock says {day}, and nobody disciplines it",
    "test.known": "the broker knows {device}",
    "test.not_let_in": "the broker does not let {device} in: {why}",
    "test.no_answer_within": "no answer within {seconds} s",
    "test.rights_good": "it may read and write what is its own",
    "test.rights_refused": "the broker refuses its own topics: {why}",
    "test.signed": "the server has signed for every record up to {seq}",
    "test.not_believed": "an answer came, and is not believed: {why}",
    "test.silent": "the server does not answer",
    # The same: what to do
    "remedy.join_or_copy": "join the enterprise again, or copy the files that it gave you",
    "remedy.clock_or_server": "set the clock, or let the server tell the time",
    "remedy.join": "join again",
    "remedy.clock_or_join": "set the clock; if that is right, join again",
    "remedy.renewed": "the uplink renews it, if uplink.renew_url is set",
    "remedy.host": "check uplink.host and the name service",
    "remedy.cable": "check cable, network, firewall and uplink.port",
    "remedy.tls_port": "is uplink.port the broker's TLS port?",
    "remedy.broker_renewal": "have the broker's certificate renewed",
    "remedy.clock_or_renewal": "set the clock; if that is right, the broker's needs renewal",
    "remedy.broker_name": "write in uplink.host the name that stands in its certificate",
    "remedy.authority": "this is another broker, or another authority: compare uplink.ca with the enterprise's",
    "remedy.again": "try again",
    "remedy.revoked": "our certificate must come from the broker's authority and bear this kiosk's name; was it revoked?",
    "remedy.access": "check the broker's access list for this kiosk's name",
    "remedy.server_key": "compare uplink.server_key with the enterprise's, or join again",
    "remedy.ingester": "is the ingester running, and is this kiosk trusted there? daka-enterprise show alarms",
    # The connection to the broker
    "broker.not_vouched": "the broker at {where} shows a certificate that uplink.ca does not vouch for: {why}",
    "broker.no_tls": "no TLS with {where} ({why}); is this the broker's TLS port, and is our certificate from its authority?",
    "broker.name": "the name {host} is not known; check uplink.host and the name service",
    "broker.nobody": "nobody listens at {where}; is the broker running?",
    "broker.silent": "{where} does not answer; check cable, network and firewall",
    "broker.unreachable": "{where} is not to be reached: {why}",
    "broker.ca": "uplink.ca: {path} is not a readable certificate (PEM)",
    "broker.ca_none": "uplink.ca: no file named is not a readable certificate (PEM)",
    # The server's share, without which no template can be read
    "unlock.waits": "faces are not recognised until the enterprise's server has unlocked this kiosk",
    "unlock.waits_because": "faces are not recognised until the enterprise's server has unlocked this kiosk ({why})",
    "unlock.certificate": "the kiosk's certificate cannot be used ({why}); join again",
    "unlock.no_answer": "{url} does not answer ({why})",
    "unlock.no_share": "the server hands no share out: {why}",
    "unlock.not_asked": "no share was asked for",
    "unlock.not_for_us": (
        "the server's answer is not for this kiosk, or is not signed by it; compare uplink.server_key with the enterprise's"
    ),
    "unlock.other_share": "the server's share opens no template: another one than they were locked with",
    # Joining an enterprise
    "join.no_service": (
        "the enterprise's join service does not answer as it should ({why}); check the network, the address in the invitation, "
        "and this kiosk's clock"
    ),
    "join.nobody": "nobody answers at {url} ({why}); check network and address",
    "join.somebody_else": "who answers at {url} is not the enterprise of the invitation; nothing was sent to them",
    "join.no": "the enterprise says no: {why}",
    "join.answered": "the enterprise's join service answered {status}",
    "join.not_confirmed": "nobody has confirmed the code within a day; have a new invitation made",
    "join.for_another": (
        "the invitation is for {invited}, and this kiosk is {device}; set device.id before its first start, or have an "
        "invitation made for it"
    ),
    "join.authority": "the certificate does not come from the authority that was sent with it",
    "join.other_key": "the certificate is for another kiosk, or for another key than the one made here",
    "join.about_to_restart": "the kiosk is about to restart with another enterprise, or with none; try again in a moment",
    "join.set_by_hand": "{setting} stands in {path} and would go first; take it out there: joining brings it",
    "join.no_address": "this invitation names no address: write the request to a file, with --request FILE",
    "join.whose_unknown": (
        "which enterprise this kiosk belongs to cannot be read any more, until a backup is restored with its keys, or it is "
        "joined again: daka join --replace, which destroys every template first"
    ),
    "join.belongs": "this kiosk belongs to another enterprise; --replace leaves it and destroys every template first",
    "join.no_request": "no request of this kiosk waits for an answer; begin with: daka join INVITATION",
    "join.none": "this kiosk has joined no enterprise",
    "join.not_waited_for": "that request is not waited for any more",
    "join.joined": "this kiosk has joined an enterprise; on its own command line: sudo daka leave, or sudo daka join",
    "join.wrong_code": "this is not the code on the kiosk's screen; the next try counts in {seconds} s",
    "join.not_believed": (
        "the enterprise's answer is not believed: it is damaged, for another kiosk, or not signed by the root of the "
        "invitation; have a new invitation made"
    ),
    "join.not_written": "{path} cannot be written ({why}); free some room, or check the disk",
    "outlet.no_host": "{host} is neither a host's name nor an address; have an invitation made with one",
    "outlet.pinned": (
        "this machine reaches only {held}, and not {host}; only root changes that: sudo daka join, or sudo daka leave before it"
    ),
    "broker.pair": "uplink.certificate, uplink.key: {certificate} and {key} are not a readable pair of certificate and key (PEM)",
}

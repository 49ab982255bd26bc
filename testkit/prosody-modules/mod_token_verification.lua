-- A token is good for the room that it names, for tests of `type = JWT`: a stand-in of our own for Jitsi's module of this name.
--
--   Component "conference.meet.example.com" "muc"
--       modules_enabled = { "token_verification" }
--
-- The contract: `auth_token` keeps the token's `room` with the stream. Whoever then makes or enters a room of another name is refused with
-- `not-allowed`; "*" is every room, and capitals in the token mean nothing. A stream without a token (a guest, the focus) is not asked.
-- What Jitsi's does beyond it: domains and tenants, an allow list, moderation only with a token.

local st = require "util.stanza";
local jid = require "util.jid";

local function check(event)
	local origin, stanza = event.origin, event.stanza;
	local named = origin.jitsi_meet_room;
	if named == nil or named == "*" or named:lower() == jid.node(stanza.attr.to) then return; end
	module:log("info", "%s is refused in %s: the token is for %s", stanza.attr.from, jid.bare(stanza.attr.to), named);
	origin.send(st.error_reply(stanza, "cancel", "not-allowed", "Room and token mismatched"));
	return true;
end

-- Before everything that keeps people waiting.
module:hook("muc-room-pre-create", check, 99);
module:hook("muc-occupant-pre-join", check, 99);

-- Lets a moderator end the meeting for all, for tests: a stand-in of our own for Jitsi's component of this name.
--
--   Component "endconference.meet.example.com" "end_conference"
--       muc_component = "conference.meet.example.com"
--
-- The contract (docs/protocol/20-muc-presence-roles.md 7.3): a moderator sends <end_conference/> to this component; his room is
-- destroyed with the reason "The meeting has been terminated".

local XMLNS = "http://jitsi.org/jitmeet";

local muc_host = module:get_option_string("muc_component");
if not muc_host then error("end_conference needs muc_component, the host of the rooms", 0); end

module:hook("message/host", function (event)
	local stanza = event.stanza;
	if not stanza:get_child("end_conference") and not stanza:get_child("end_conference", XMLNS) then return true; end
	for room in prosody.hosts[muc_host].modules.muc.each_room() do
		local occupant = room:get_occupant_by_real_jid(stanza.attr.from);
		if occupant and occupant.role == "moderator" then
			module:log("info", "%s ends %s", stanza.attr.from, room.jid);
			room:destroy(nil, "The meeting has been terminated");
			return true;
		end
	end
	module:log("warn", "%s leads no room", stanza.attr.from);
	return true;
end);

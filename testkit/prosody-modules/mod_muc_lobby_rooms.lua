-- Rooms with a lobby, for tests: a stand-in of our own for Jitsi's module of this name, with its options.
--
--   VirtualHost "meet.example.com"
--       modules_enabled = { "muc_lobby_rooms" }
--       main_muc = "conference.meet.example.com"
--       lobby_muc = "lobby.meet.example.com"     -- a "muc" component with restrict_room_creation
--
-- The contract (docs/protocol/20-muc-presence-roles.md 12): a moderator opens the lobby by making the room members-only. Who is in it
-- then becomes a member. Whoever comes later is refused with `registration-required` and the address of a lobby room, where he waits;
-- a moderator invites him, which makes him a member (Prosody does that part by itself), and he comes again.
-- What Jitsi's does beyond it: passwords, messages to the moderators, `lobbyEnabled` in the room's metadata.

local st = require "util.stanza";
local jid = require "util.jid";

local XMLNS = "http://jitsi.org/jitmeet";

local main_muc = module:get_option_string("main_muc");
local lobby_muc = module:get_option_string("lobby_muc");
if not main_muc or not lobby_muc then error("muc_lobby_rooms needs main_muc and lobby_muc", 0); end

module:add_identity("component", "lobbyrooms", lobby_muc);

local function lobby_of(room)
	return jid.join(jid.node(room.jid), lobby_muc);
end

local function watch(muc)
	muc:hook("muc-config-submitted/muc#roomconfig_membersonly", function (event)
		if not event.value then return; end
		for _, occupant in event.room:each_occupant() do
			if not event.room:get_affiliation(occupant.bare_jid) then
				event.room:set_affiliation(true, occupant.bare_jid, "member");
			end
		end
		local lobbies = prosody.hosts[lobby_muc].modules.muc;
		if not lobbies.get_room_from_jid(lobby_of(event.room)) then
			lobbies.create_room(lobby_of(event.room)):set_persistent(true);
		end
		module:log("info", "%s has a lobby", event.room.jid);
	end, 10);
	muc:hook("muc-occupant-pre-join", function (event)
		local room, stanza = event.room, event.stanza;
		if not room._data.members_only or room:get_affiliation(stanza.attr.from) then return; end
		event.origin.send(st.error_reply(stanza, "auth", "registration-required", nil, room.jid)
			:text_tag("lobbyroom", lobby_of(room), { xmlns = XMLNS }));
		return true;
	end, -4); -- Before Prosody's own refusal, which names no lobby
end

if prosody.hosts[main_muc] then
	watch(module:context(main_muc));
else -- Hosts come up in any order
	module:hook_global("host-activated", function (host)
		if host == main_muc then watch(module:context(host)); end
	end);
end

-- Rooms for visitors, for tests: a stand-in of our own for Jitsi's module of this name.
--
--   Component "conference.v0.meet.example.com" "muc"
--       modules_enabled = { "muc_meeting_id"; "fmuc" }
--
-- The contract (docs/protocol/60-jibri-jigasi-visitors.md 6.8, 6.9): everybody but admins is a visitor, and waits until the room
-- is connected with the main one. Then visitors are shown who is in the main room; the focus is not, as it is there itself. A
-- room that is disconnected is destroyed, "Conference ended.".
-- What Jitsi's does beyond it: visitors do not see each other, rooms without visitors are destroyed, messages are passed on.
-- It speaks with mod_visitors_component of ours, over HTTP: POST <mirror room='…' action='connect|presence|disconnect'>, with
-- presences whose `from` is a nick.

local jid = require "util.jid";
local st = require "util.stanza";
local xml = require "util.xml";
local is_admin = require "core.usermanager".is_admin;

module:depends("http");

local function rooms()
	return module:depends("muc");
end

local function is_visitor(occupant)
	return not is_admin(occupant.bare_jid, module.host);
end

module:hook("muc-occupant-pre-join", function (event)
	local room, occupant, stanza = event.room, event.occupant, event.stanza;
	if is_admin(jid.bare(stanza.attr.from), module.host) then return; end
	occupant.role = "visitor";
	if room.connected then return; end
	module:log("info", "%s waits until %s is connected", stanza.attr.from, room.jid);
	room.waiting_for_main = room.waiting_for_main or {};
	table.insert(room.waiting_for_main, { origin = event.origin, stanza = stanza });
	return true;
end, 7);

local function show(room, nick, presence, to)
	local copy = st.clone(presence);
	copy.attr.from, copy.attr.to = room.jid .. "/" .. nick, to;
	room:route_stanza(copy);
end

local function show_to_all(room, nick, presence)
	for _, occupant in room:each_occupant() do
		if is_visitor(occupant) then
			for full_jid in occupant:each_session() do show(room, nick, presence, full_jid); end
		end
	end
end

module:hook("muc-occupant-joined", function (event)
	if not is_visitor(event.occupant) then return; end
	for nick, presence in pairs(event.room.main_occupants or {}) do
		show(event.room, nick, presence, event.stanza.attr.from);
	end
end);

local function take_presences(room, message)
	for presence in message:childtags("presence") do
		local nick = presence.attr.from;
		presence.attr.xmlns = nil;
		if presence.attr.type == "unavailable" then
			room.main_occupants[nick] = nil;
		else
			room.main_occupants[nick] = presence;
		end
		show_to_all(room, nick, presence);
	end
end

local actions = {};

function actions.connect(room, message)
	module:log("info", "%s is connected", room.jid);
	room.connected = true;
	room.main_occupants = room.main_occupants or {};
	take_presences(room, message);
	local waiting = room.waiting_for_main or {};
	room.waiting_for_main = nil;
	for _, one in ipairs(waiting) do room:handle_normal_presence(one.origin, one.stanza); end
end

function actions.presence(room, message)
	if room.connected then take_presences(room, message); end
end

function actions.disconnect(room)
	module:log("info", "%s is disconnected", room.jid);
	room:destroy(nil, "Conference ended.");
end

module:provides("http", {
	default_path = "/fmuc";
	route = {
		["POST"] = function (event)
			local message = xml.parse(event.request.body or "");
			local act = message and actions[message.attr.action];
			if not act then return 400; end
			local room = rooms().get_room_from_jid(message.attr.room .. "@" .. module.host);
			if not room then return 404; end
			act(room, message);
			return 200;
		end;
	};
});

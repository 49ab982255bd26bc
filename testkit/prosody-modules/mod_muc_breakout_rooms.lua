-- Breakout rooms, for tests: a stand-in of our own for Jitsi's module of this name, with its options.
--
--   Component "breakout.meet.example.com" "muc"   -- with muc_meeting_id, admins = { <focus> }, restrict_room_creation
--   VirtualHost "meet.example.com"
--       modules_enabled = { "muc_breakout_rooms" }
--       main_muc = "conference.meet.example.com"
--       breakout_rooms_muc = "breakout.meet.example.com"
--
-- The contract (docs/protocol/20-muc-presence-roles.md 2.3, 12; 10-conference-request-and-auth.md 5.4):
--   * A moderator of the main room sends to the breakout host <breakout_rooms type='features/breakout-rooms/add' subject='…'/>
--     (it answers with the room's address in a JSON message to all moderators), and '…/remove' with breakoutRoomJid: whoever
--     is in it is put out, "Breakout room removed.".
--   * Only a room that was added can be made. Its form says whose it is: `muc#roominfo_isbreakout` and
--     `muc#roominfo_breakout_main_room`.
--   * Affiliations are those of the main room.
-- What Jitsi's does beyond it: names, who is where, moving people, rooms that are destroyed when nobody is left anywhere.

local st = require "util.stanza";
local jid = require "util.jid";
local json = require "util.json";
local uuid = require "util.uuid".generate;

local XMLNS = "http://jitsi.org/jitmeet";
local PREFIX = "features/breakout-rooms/";

local main_muc = module:get_option_string("main_muc");
local breakout_muc = module:get_option_string("breakout_rooms_muc");
if not main_muc or not breakout_muc then error("muc_breakout_rooms needs main_muc and breakout_rooms_muc", 0); end

module:add_identity("component", "breakout_rooms", breakout_muc);

local main_of = {}; -- [breakout room JID] = main room JID

local function rooms_of(host)
	return prosody.hosts[host].modules.muc;
end

local function main_room(room_jid)
	return main_of[room_jid] and rooms_of(main_muc).get_room_from_jid(main_of[room_jid]);
end

local function led_by(from)
	for room in rooms_of(main_muc).each_room() do
		local occupant = room:get_occupant_by_real_jid(from);
		if occupant and occupant.role == "moderator" then return room; end
	end
end

local function on_message(event)
	local stanza = event.stanza;
	local wish = stanza:get_child("breakout_rooms") or stanza:get_child("breakout_rooms", XMLNS);
	if not wish then return; end
	local main = led_by(stanza.attr.from);
	if not main then
		module:log("warn", "%s leads no room", stanza.attr.from);
		return true;
	end
	if wish.attr.type == PREFIX .. "add" then
		local room_jid = uuid() .. "@" .. breakout_muc;
		main_of[room_jid] = main.jid;
		module:log("info", "breakout room added: %s of %s", room_jid, main.jid);
		local message = json.encode({ type = PREFIX .. "added", jid = room_jid, name = wish.attr.subject });
		for _, occupant in main:each_occupant() do
			if occupant.role == "moderator" then
				for full_jid in occupant:each_session() do
					module:send(st.message({ from = breakout_muc, to = full_jid }):text_tag("json-message", message, { xmlns = XMLNS }));
				end
			end
		end
	elseif wish.attr.type == PREFIX .. "remove" then
		local room = rooms_of(breakout_muc).get_room_from_jid(wish.attr.breakoutRoomJid);
		main_of[wish.attr.breakoutRoomJid or ""] = nil;
		if room then room:destroy(nil, "Breakout room removed."); end
	end
	return true;
end

local function watch(muc)
	muc:hook("message/host", on_message, 10);
	muc:hook("muc-room-pre-create", function (event)
		if main_of[event.room.jid] then return; end
		event.origin.send(st.error_reply(event.stanza, "cancel", "not-allowed", "No such breakout room"));
		return true;
	end, 10);
	muc:hook("muc-config-form", function (event)
		table.insert(event.form, { name = "muc#roominfo_isbreakout", type = "boolean", label = "Is this a breakout room?", value = true });
		table.insert(event.form, {
			name = "muc#roominfo_breakout_main_room", type = "text-single", label = "The main room", value = main_of[event.room.jid];
		});
	end);
	-- Who comes has in the breakout room what he has in the main room.
	muc:hook("muc-occupant-pre-join", function (event)
		local main, from = main_room(event.room.jid), jid.bare(event.stanza.attr.from);
		local affiliation = main and main:get_affiliation(from);
		if affiliation and not event.room:get_affiliation(from) then
			event.room:set_affiliation(true, from, affiliation);
			event.occupant.role = event.room:get_default_role(affiliation);
		end
	end, 20);
end

if prosody.hosts[breakout_muc] then
	watch(module:context(breakout_muc));
else -- Hosts come up in any order
	module:hook_global("host-activated", function (host)
		if host == breakout_muc then watch(module:context(host)); end
	end);
end

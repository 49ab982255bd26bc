-- Keeps what everybody in a room must know of it (start muted, lobby, transcription…) and tells it to all.
--
--   Component "metadata.meet.example.com" "room_metadata_component"
--       muc_component = "conference.meet.example.com"
--
-- The contract (docs/protocol/20-muc-presence-roles.md 2.4, 10, 11):
--   * A message is <json-message xmlns='http://jitsi.org/jitmeet' room='…'>{"type":"room_metadata","metadata":{…}}</json-message>,
--     always with all that is known.
--   * The first one reaches an occupant immediately before a presence with status 110 of a room that is known here, once a bare
--     JID until it leaves. A room becomes known when its creator's own presence is out: the creator gets it with the next one.
--   * `moderators`, `participants` and `audioTranslationRequests` are for admins (the focus) only.
--   * A moderator changes one key: <room_metadata xmlns='http://jitsi.org/jitmeet' room='…'>{"key":…,"data":…}</room_metadata>
--     sent to this component. Clients of 2021 put <startmuted xmlns='http://jitsi.org/jitmeet/start-muted'/> into their presence.
--   * Rooms of the focus' health check have none.

local st = require "util.stanza";
local jid = require "util.jid";
local json = require "util.json";
local array = require "util.array";
local filters = require "util.filters";
local is_admin = require "core.usermanager".is_admin;

local XMLNS = "http://jitsi.org/jitmeet";
local XMLNS_START_MUTED = "http://jitsi.org/jitmeet/start-muted";
local HEALTH_CHECK = "__jicofo-health-check";
local FOR_ADMINS = { moderators = true, participants = true, audioTranslationRequests = true };

local muc_host = module:get_option_string("muc_component");
if not muc_host then error("room_metadata_component needs muc_component, the host of the rooms", 0); end

local known = {}; -- [bare room JID] = { metadata = {…}, told = { [bare JID] = true } }

local function message(room_jid, state, to)
	local metadata = {};
	local admin = is_admin(to, muc_host);
	for key, value in pairs(state.metadata) do
		if admin or not FOR_ADMINS[key] then metadata[key] = value; end
	end
	if admin and metadata.moderators == nil then metadata.moderators = array {}; end
	if next(metadata) == nil then metadata.services = {}; end -- Never `[]`, which an empty table would be
	return st.message({ from = module.host, to = to })
		:text_tag("json-message", json.encode({ type = "room_metadata", metadata = metadata }), { xmlns = XMLNS, room = room_jid });
end

local function tell_all(room, state)
	for _, occupant in room:each_occupant() do
		for full_jid in occupant:each_session() do
			state.told[jid.bare(full_jid)] = true;
			module:send(message(room.jid, state, full_jid));
		end
	end
end

-- The only place where "immediately before its 110" can be seen is the stanza on its way out to the occupant.
local function before_own_presence(stanza, session)
	if stanza.name ~= "presence" or stanza.attr.type ~= nil or not stanza.attr.from or not session.full_jid then return stanza; end
	local room_jid = jid.bare(stanza.attr.from);
	local state, bare = known[room_jid], jid.bare(session.full_jid);
	if not state or state.told[bare] then return stanza; end
	local x = stanza:get_child("x", "http://jabber.org/protocol/muc#user");
	for status in (x and x:childtags("status") or function () end) do
		if status.attr.code == "110" then
			state.told[bare] = true;
			session.send(message(room_jid, state, session.full_jid));
			break;
		end
	end
	return stanza;
end

local function watch(session)
	if session.type and session.type:match("^c2s") then
		filters.add_filter(session, "stanzas/out", before_own_presence);
	end
end

local function change(room, key, value)
	local state = known[room.jid];
	if not state then return; end
	state.metadata[key] = value;
	tell_all(room, state);
end

module:hook("message/host", function (event)
	local stanza = event.stanza;
	local request = stanza:get_child("room_metadata", XMLNS);
	if not request or stanza.attr.type == "error" then return true; end
	local rooms = prosody.hosts[muc_host] and prosody.hosts[muc_host].modules.muc;
	local room = rooms and rooms.get_room_from_jid(jid.prep(request.attr.room or ""));
	local occupant = room and room:get_occupant_by_real_jid(stanza.attr.from);
	local body = json.decode(request:get_text() or "");
	if not occupant or occupant.role ~= "moderator" or type(body) ~= "table" or type(body.key) ~= "string" then
		module:log("warn", "Metadata of %s for %s is not accepted", stanza.attr.from, request.attr.room);
		return true;
	end
	change(room, body.key, body.data);
	return true;
end);

local function add_rooms(muc)
	muc:hook("muc-room-created", function (event)
		local room = event.room;
		if jid.node(room.jid):sub(1, #HEALTH_CHECK) == HEALTH_CHECK then return; end
		known[room.jid] = { metadata = {}, told = {} };
	end, -1000);
	muc:hook("muc-room-destroyed", function (event) known[event.room.jid] = nil; end);
	muc:hook("muc-occupant-left", function (event)
		local state = known[event.room.jid];
		if state then state.told[event.occupant.bare_jid] = nil; end
	end);
	muc:hook("muc-occupant-pre-change", function (event)
		local wish = event.stanza:get_child("startmuted", XMLNS_START_MUTED);
		local state = known[event.room.jid];
		if not wish or not state or event.orig_occupant.role ~= "moderator" then return; end
		local audio, video = wish.attr.audio == "true", wish.attr.video == "true";
		local old = state.metadata.startMuted or {};
		if old.audio ~= audio or old.video ~= video then
			change(event.room, "startMuted", { audio = audio, video = video });
		end
	end, -1000);
end

function module.load()
	filters.add_filter_hook(watch);
	if prosody.hosts[muc_host] then
		add_rooms(module:context(muc_host));
	else -- Hosts come up in any order
		module:hook_global("host-activated", function (host)
			if host == muc_host then add_rooms(module:context(host)); end
		end);
	end
end

function module.unload()
	filters.remove_filter_hook(watch);
end

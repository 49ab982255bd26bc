-- Gives every room an identity that is never used twice, and lets nobody in before the focus.
--
--   Component "conference.meet.example.com" "muc"
--       modules_enabled = { "muc_meeting_id" }
--
-- The contract (docs/protocol/20-muc-presence-roles.md 2.3, 14):
--   * A new room gets a UUID. It is `muc#roominfo_meetingId` in the room's configuration form and in its disco#info;
--     who may submit the form may set it (once it is an identity, the focus only reads it).
--   * Who is no admin and comes before an occupant with the nick `focus` waits, up to 500 of them in a room, and is let in, in
--     the order of coming, as soon as the focus is in.
--   * Rooms of the focus' health check (their names begin with `__jicofo-health-check`) are left alone.
--   * `moderatedroom` and `presencebroadcast` of a submitted form are ignored: they would break a conference.

local jid = require "util.jid";
local uuid = require "util.uuid".generate;
local is_admin = require "core.usermanager".is_admin;

local FIELD = "muc#roominfo_meetingId";
local LABEL = "The meeting unique id.";
local FOCUS = "focus";
local HEALTH_CHECK = module:get_option_string("muc_meeting_id_exempt_prefix", "__jicofo-health-check");
local MAX_WAITING = 500; -- a room; further ones are dropped

local function is_exempt(room)
	return jid.node(room.jid):sub(1, #HEALTH_CHECK) == HEALTH_CHECK;
end

local function name_it(event)
	local room = event.room;
	if not is_exempt(room) and not room._data.meetingId then
		room._data.meetingId = uuid();
	end
end
-- Before anybody is told of the room; `muc-room-created` is for rooms which a module makes without a presence.
module:hook("muc-room-pre-create", name_it, 1);
module:hook("muc-room-created", name_it, 1);

module:hook("muc-config-form", function (event)
	table.insert(event.form, { name = FIELD, type = "text-single", label = LABEL; value = event.room._data.meetingId or "" });
end, 90);

module:hook("muc-disco#info", function (event)
	table.insert(event.form, { name = FIELD, label = LABEL });
	event.formdata[FIELD] = event.room._data.meetingId;
end);

module:hook("muc-config-submitted/" .. FIELD, function (event)
	if event.value and event.value ~= "" and not is_exempt(event.room) then
		event.room._data.meetingId = event.value;
	end
end);

local function ignore() return true; end
module:hook("muc-config-submitted/muc#roomconfig_moderatedroom", ignore, 10);
module:hook("muc-config-submitted/muc#roomconfig_presencebroadcast", ignore, 10);

local function has_focus(room)
	return room:get_occupant_by_nick(room.jid .. "/" .. FOCUS) ~= nil;
end

module:hook("muc-occupant-pre-join", function (event)
	local room, from = event.room, event.stanza.attr.from;
	if is_exempt(room) or has_focus(room) or is_admin(from, module.host) then return; end
	room.waiting_for_focus = room.waiting_for_focus or {};
	local waiting = room.waiting_for_focus;
	for _, other in ipairs(waiting) do
		if other.from == from then -- Asked again: what it said last counts, its place stays
			other.stanza, other.origin = event.stanza, event.origin;
			return true;
		end
	end
	if #waiting >= MAX_WAITING then
		module:log("warn", "%s waits for the focus with %d others; %s is dropped", room.jid, #waiting, from);
		return true;
	end
	table.insert(waiting, { from = from, origin = event.origin, stanza = event.stanza });
	module:log("info", "%s waits for the focus in %s", from, room.jid);
	return true;
end, 8);

-- Who gives up while waiting must not be let in later.
module:hook("presence/full", function (event)
	local stanza = event.stanza;
	if stanza.attr.type ~= "unavailable" then return; end
	local room = prosody.hosts[module.host].modules.muc.get_room_from_jid(jid.bare(stanza.attr.to));
	for index, other in ipairs(room and room.waiting_for_focus or {}) do
		if other.from == stanza.attr.from then
			table.remove(room.waiting_for_focus, index);
			return;
		end
	end
end, 10);

module:hook("muc-occupant-joined", function (event)
	local room = event.room;
	if jid.resource(event.occupant.nick) ~= FOCUS then return; end
	local waiting = room.waiting_for_focus or {};
	room.waiting_for_focus = nil;
	for _, other in ipairs(waiting) do
		if not other.origin.destroyed then
			room:handle_normal_presence(other.origin, other.stanza);
		end
	end
end, -10);
